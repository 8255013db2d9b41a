// SPDX-License-Identifier: Apache-2.0
// Numbers for fuzz targets: the same on every machine for a seed.
#pragma once

#include <cstdint>

namespace plcv::test {

// Xorshift64; the state must not be 0.
struct Random64 {
  uint64_t state;
  uint64_t next() {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
  }
  int below(int n) { return static_cast<int>((next() >> 11) % static_cast<uint64_t>(n)); }
  bool one_in(int n) { return below(n) == 0; }
  uint8_t byte() { return static_cast<uint8_t>(next() >> 23); }
};

}  // namespace plcv::test
