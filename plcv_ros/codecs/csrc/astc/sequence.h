// SPDX-License-Identifier: Apache-2.0
// Integer sequences of any range, as every block mode of the format has them, and the values that their codes mean (Khronos Data Format
// Specification, ASTC, "integer sequence encoding", "endpoint unquantization" and "weight unquantization"). For the general decoder.
#pragma once

#include <cstdint>

namespace plcv::astc {

// The 128 bits of a block; bit 0 is the least significant one of byte 0.
struct Bits128 {
  uint64_t low, high;

  // `count` bits from `position` on, at most 32; bits beyond the block are 0.
  uint32_t at(int position, int count) const {
    uint64_t value;
    if (position >= 128) {
      return 0;
    } else if (position >= 64) {
      value = high >> (position - 64);
    } else if (position > 0) {
      value = (low >> position) | (high << (64 - position));
    } else {
      value = low;
    }
    return static_cast<uint32_t>(value & ((uint64_t{1} << count) - 1));
  }

  // The bits from `position` on, `length` of them, the rest 0.
  Bits128 part(int position, int length) const;

  // The bits in the opposite order.
  Bits128 reversed() const;
};

Bits128 load_bits(const uint8_t* block);

// Codes from 0 to (base << bits) - 1: `bits` bits and, for base 3 or 5, a trit or quint above them.
struct Range {
  int base, bits;

  constexpr int sequence_bits(int count) const { return count * bits + (base == 3 ? (8 * count + 4) / 5 : base == 5 ? (7 * count + 2) / 3 : 0); }
};

constexpr int kWeightRanges = 12;
extern const Range kWeightRange[kWeightRanges];  // by range number 2 to 7 of the block mode, then by those of its high-precision half
constexpr int kColourRanges = 17;
extern const Range kColourRange[kColourRanges];  // from 6 levels to 256

constexpr int kMaxWeights = 64, kMaxColourValues = 18;

// Reads `count` codes, in sequence from bit 0 of `bits` on. Bits that a last, incomplete group does not have must be 0.
void read_sequence(const Bits128& bits, Range range, int count, uint8_t* codes);

// A code's 8-bit endpoint value, or its weight out of 64.
int colour_value(Range range, int code);
int weight_value(Range range, int code);

}  // namespace plcv::astc
