// SPDX-License-Identifier: Apache-2.0
// Bits to bytes, most significant first. A class of each file that includes it: kernel files share no functions.
#pragma once

#include <cstdint>

namespace plcv::jpegxs::encoding {
namespace {

class BitWriter {
 public:
  explicit BitWriter(uint8_t* out) : out_(out) {}
  // Appends the lowest `count` bits of `bits`, which has no others; count <= 32.
  void put(uint32_t bits, int count) {
    pending_ = pending_ << count | bits;
    filled_ += count;
    if (filled_ >= 32) {
      filled_ -= 32;
      const uint32_t word = __builtin_bswap32(static_cast<uint32_t>(pending_ >> filled_));
      __builtin_memcpy(out_, &word, 4);
      out_ += 4;
    }
  }
  // Pads with zero bits to a byte; returns the end.
  uint8_t* finish() {
    for (; filled_ > 0; filled_ -= 8) *out_++ = static_cast<uint8_t>(filled_ >= 8 ? pending_ >> (filled_ - 8) : pending_ << (8 - filled_));
    filled_ = 0;
    return out_;
  }

 private:
  uint8_t* out_;
  uint64_t pending_ = 0;
  int filled_ = 0;  // bits of pending_ that are not written yet, < 32 between calls
};

}  // namespace
}  // namespace plcv::jpegxs::encoding
