// SPDX-License-Identifier: Apache-2.0
// Entropy-coded segments of JPEG, as far as the lengths of their codes go (ITU-T T.81, annex F.2).
#pragma once

#include <cstddef>
#include <cstdint>

namespace plcv::jpeg {

// Bits of one entropy-coded segment, which ends before a marker or with the file. `position` counts bytes of the file.
class BitReader {
 public:
  BitReader(const uint8_t* data, std::size_t size, std::size_t position) : data_(data), size_(size), position_(position) {}

  // The next 16 bits, zeros behind the last one.
  uint32_t peek() {
    while (count_ < 16 && load()) {
    }
    return static_cast<uint32_t>(count_ >= 16 ? bits_ >> (count_ - 16) : bits_ << (16 - count_)) & 0xffff;
  }

  // False where fewer are left.
  bool skip(int bits) {
    while (count_ < bits) {
      if (!load()) return false;
    }
    count_ -= bits;
    return true;
  }

  // Just behind the byte that the last skipped bit lies in.
  std::size_t end() const { return count_ < 8 ? position_ : ends_[(loaded_ - 1 - count_ / 8) & 7]; }

 private:
  bool load() {
    std::size_t at = position_;
    if (at >= size_) return false;
    const uint8_t byte = data_[at++];
    if (byte == 0xff) {
      while (at < size_ && data_[at] == 0xff) ++at;
      if (at >= size_ || data_[at] != 0) return false;
      ++at;
    }
    position_ = at;
    ends_[loaded_++ & 7] = at;
    bits_ = bits_ << 8 | byte;
    count_ += 8;
    return true;
  }

  const uint8_t* data_;
  std::size_t size_;
  std::size_t position_;
  std::size_t ends_[8] = {};
  uint32_t loaded_ = 0;
  uint64_t bits_ = 0;
  int count_ = 0;
};

// A Huffman table of a DHT segment.
class HuffmanTable {
 public:
  // `codes`: 16 counts by length and their values, `size` bytes at most. Returns the bytes taken, 0 where they are no table.
  std::size_t define(const uint8_t* codes, std::size_t size);

  bool defined() const { return defined_; }

  // The value of the next code, which is skipped; -1 where the bits end or are none.
  int next(BitReader& bits) const {
    const uint32_t ahead = bits.peek();
    for (int length = 1; length <= 16; ++length) {
      const int32_t code = static_cast<int32_t>(ahead >> (16 - length));
      if (code < limit_[length]) return bits.skip(length) ? values_[first_[length] + code - smallest_[length]] : -1;
    }
    return -1;
  }

 private:
  int32_t limit_[17] = {};     // of each length, the code behind the last one
  int32_t smallest_[17] = {};  // and the first one
  int32_t first_[17] = {};     // where its value is
  uint8_t values_[256] = {};
  bool defined_ = false;
};

}  // namespace plcv::jpeg
