// SPDX-License-Identifier: Apache-2.0
// Bits to bytes, least significant first: what vectors of masks and codes give. The bytes of a whole sub-packet are turned around at its end,
// which is one operation a vector. A class of each file that includes it: kernel files share no functions.
#pragma once

#include <cstdint>

namespace plcv::jpegxs::encoding {
namespace {

class LowBitsFirst {
 public:
  explicit LowBitsFirst(uint8_t* out) : out_(out) {}
  // Appends the lowest `count` bits of `bits`, which has no others; count <= 64.
  void put(uint64_t bits, int count) {
    const uint64_t word = pending_ | bits << filled_;
    __builtin_memcpy(out_, &word, 8);
    const int filled = filled_ + count;
    if (__builtin_expect(filled >= 64, 0)) {
      out_ += 8;
      pending_ = filled_ == 0 ? 0 : bits >> (64 - filled_);
      filled_ = filled - 64;
      return;
    }
    out_ += filled >> 3;
    filled_ = filled & 7;
    pending_ = word >> (filled & ~7);
  }
  uint8_t* finish() {
    __builtin_memcpy(out_, &pending_, 8);
    return out_ + (filled_ + 7) / 8;
  }

 private:
  uint8_t* out_;
  uint64_t pending_ = 0;
  int filled_ = 0;  // bits of pending_, at most 7
};

// The same, most significant first: what codes of many bits are.
class HighBitsFirst {
 public:
  static constexpr int kLongest = 56;
  explicit HighBitsFirst(uint8_t* out) : out_(out) {}
  // Appends the lowest `count` bits of `bits`, which has no others; count <= kLongest.
  void put(uint64_t bits, int count) {
    const int filled = filled_ + count;
    pending_ |= bits << 1 << (63 - filled);
    const uint64_t word = __builtin_bswap64(pending_);
    __builtin_memcpy(out_, &word, 8);
    out_ += filled >> 3;
    pending_ <<= filled & ~7;
    filled_ = filled & 7;
  }
  uint8_t* finish() {
    put(0, 0);
    return out_ + (filled_ + 7) / 8;
  }

 private:
  uint8_t* out_;
  uint64_t pending_ = 0;  // its highest bits
  int filled_ = 0;        // bits of pending_, at most 7
};

}  // namespace
}  // namespace plcv::jpegxs::encoding
