// SPDX-License-Identifier: Apache-2.0
#include "astc/sequence.h"

namespace plcv::astc {
namespace {

struct Trits {
  uint8_t digit[256][5];
  constexpr Trits() : digit{} {
    for (int t = 0; t < 256; ++t) {
      int c = t & 31, t2 = 0, t3 = 0, t4 = 0;
      if (((t >> 2) & 7) == 7) {
        c = ((t >> 3) & 28) | (t & 3);
        t3 = t4 = 2;
      } else if (((t >> 5) & 3) == 3) {
        t4 = 2;
        t3 = t >> 7;
      } else {
        t4 = t >> 7;
        t3 = (t >> 5) & 3;
      }
      int t0 = 0, t1 = 0;
      if ((c & 3) == 3) {
        t2 = 2;
        t1 = c >> 4;
        t0 = ((c >> 2) & 2) | ((c >> 2) & ~(c >> 3) & 1);
      } else if (((c >> 2) & 3) == 3) {
        t2 = t1 = 2;
        t0 = c & 3;
      } else {
        t2 = c >> 4;
        t1 = (c >> 2) & 3;
        t0 = (c & 2) | (c & ~(c >> 1) & 1);
      }
      const int all[5] = {t0, t1, t2, t3, t4};
      for (int i = 0; i < 5; ++i) digit[t][i] = static_cast<uint8_t>(all[i]);
    }
  }
};
constexpr Trits kTrits{};

struct Quints {
  uint8_t digit[128][3];
  constexpr Quints() : digit{} {
    for (int q = 0; q < 128; ++q) {
      int q0 = 4, q1 = 4, q2 = 0;
      if (((q >> 1) & 3) == 3 && (q >> 5) == 0) {
        const int odd = q & 1;
        q2 = (odd << 2) | (odd ? 0 : (q >> 3) & 3);
      } else {
        int c = q & 31;
        if (((q >> 1) & 3) == 3) {
          q2 = 4;
          c = (q & 24) | ((~(q >> 5) & 3) << 1) | (q & 1);
        } else {
          q2 = q >> 5;
        }
        if ((c & 7) == 5) {
          q0 = c >> 3;
        } else {
          q1 = c >> 3;
          q0 = c & 7;
        }
      }
      const int all[3] = {q0, q1, q2};
      for (int i = 0; i < 3; ++i) digit[q][i] = static_cast<uint8_t>(all[i]);
    }
  }
};
constexpr Quints kQuints{};

// `bits` bits of `value` repeated from the top until `wanted` are filled.
int repeated(int value, int bits, int wanted) {
  int result = 0;
  for (int left = wanted; left > 0; left -= bits) result |= left >= bits ? value << (left - bits) : value >> (bits - left);
  return result;
}

// How the bits above the lowest one take part: bit i of them goes to the places that mask[i] names.
struct Mix {
  int step;
  int mask[5];
};

int mixed(const Mix& mix, Range range, int code) {
  const int digit = code >> range.bits, above = (code & ((1 << range.bits) - 1)) >> 1;
  int value = digit * mix.step;
  for (int i = 0; i < range.bits - 1; ++i) {
    if ((above >> i) & 1) value += mix.mask[i];
  }
  return value;
}

// Endpoint values, by number of bits.
constexpr Mix kColourTrits[7] = {
    {0, {}},
    {204, {}},
    {93, {0b100010110}},
    {44, {0b010000101, 0b100001010}},
    {22, {0b001000001, 0b010000010, 0b100000100}},
    {11, {0b000100000, 0b001000000, 0b010000001, 0b100000010}},
    {5, {0b000010000, 0b000100000, 0b001000000, 0b010000000, 0b100000001}},
};
constexpr Mix kColourQuints[6] = {
    {0, {}},
    {113, {}},
    {54, {0b100001100}},
    {26, {0b010000010, 0b100000101}},
    {13, {0b001000000, 0b010000001, 0b100000010}},
    {6, {0b000100000, 0b001000000, 0b010000000, 0b100000001}},
};

constexpr Mix kWeightTrits[4] = {{0, {}}, {50, {}}, {23, {0b1000101}}, {11, {0b0100001, 0b1000010}}};
constexpr Mix kWeightQuints[3] = {{0, {}}, {28, {}}, {13, {0b1000010}}};

}  // namespace

const Range kWeightRange[kWeightRanges] = {{1, 1}, {3, 0}, {1, 2}, {5, 0}, {3, 1}, {1, 3}, {5, 1}, {3, 2}, {1, 4}, {5, 2}, {3, 3}, {1, 5}};
const Range kColourRange[kColourRanges] = {{3, 1}, {1, 3}, {5, 1}, {3, 2}, {1, 4}, {5, 2}, {3, 3}, {1, 5}, {5, 3},
                                           {3, 4}, {1, 6}, {5, 4}, {3, 5}, {1, 7}, {5, 5}, {3, 6}, {1, 8}};

Bits128 Bits128::part(int position, int length) const {
  Bits128 result{at(position, 32) | (uint64_t{at(position + 32, 32)} << 32), at(position + 64, 32) | (uint64_t{at(position + 96, 32)} << 32)};
  if (length < 64) {
    result.high = 0;
    result.low &= (uint64_t{1} << length) - 1;
  } else if (length < 128) {
    result.high &= (uint64_t{1} << (length - 64)) - 1;
  }
  return result;
}

Bits128 Bits128::reversed() const {
  const auto turned = [](uint64_t v) {
    v = ((v >> 1) & 0x5555555555555555u) | ((v & 0x5555555555555555u) << 1);
    v = ((v >> 2) & 0x3333333333333333u) | ((v & 0x3333333333333333u) << 2);
    v = ((v >> 4) & 0x0F0F0F0F0F0F0F0Fu) | ((v & 0x0F0F0F0F0F0F0F0Fu) << 4);
    return __builtin_bswap64(v);
  };
  return {turned(high), turned(low)};
}

Bits128 load_bits(const uint8_t* block) {
  Bits128 bits{0, 0};
  for (int i = 7; i >= 0; --i) {
    bits.low = (bits.low << 8) | block[i];
    bits.high = (bits.high << 8) | block[8 + i];
  }
  return bits;
}

void read_sequence(const Bits128& bits, Range range, int count, uint8_t* codes) {
  if (range.base == 1) {
    for (int i = 0; i < count; ++i) codes[i] = static_cast<uint8_t>(bits.at(i * range.bits, range.bits));
    return;
  }
  // Bits of the packed digits that stand behind each value of a group.
  static constexpr int kTritBits[5] = {2, 2, 1, 2, 1}, kQuintBits[3] = {3, 2, 2};
  const int group = range.base == 3 ? 5 : 3;
  const int* digit_bits = range.base == 3 ? kTritBits : kQuintBits;
  int position = 0;
  for (int first = 0; first < count; first += group) {
    uint32_t packed = 0;
    int packed_bits = 0, low[5] = {};
    for (int i = 0; i < group; ++i) {
      low[i] = static_cast<int>(bits.at(position, range.bits));
      position += range.bits;
      packed |= bits.at(position, digit_bits[i]) << packed_bits;
      position += digit_bits[i];
      packed_bits += digit_bits[i];
    }
    for (int i = 0; i < group && first + i < count; ++i) {
      const int digit = range.base == 3 ? kTrits.digit[packed][i] : kQuints.digit[packed][i];
      codes[first + i] = static_cast<uint8_t>((digit << range.bits) | low[i]);
    }
  }
}

int colour_value(Range range, int code) {
  if (range.base == 1) return repeated(code, range.bits, 8);
  const int inverted = code & 1 ? 511 : 0;
  const int value = mixed((range.base == 3 ? kColourTrits : kColourQuints)[range.bits], range, code) ^ inverted;
  return (inverted & 0x80) | (value >> 2);
}

int weight_value(Range range, int code) {
  int value;
  if (range.base == 1) {
    value = repeated(code, range.bits, 6);
  } else if (range.bits == 0) {
    static constexpr int kThree[3] = {0, 32, 63}, kFive[5] = {0, 16, 32, 47, 63};
    value = range.base == 3 ? kThree[code] : kFive[code];
  } else {
    const int inverted = code & 1 ? 127 : 0;
    value = mixed((range.base == 3 ? kWeightTrits : kWeightQuints)[range.bits], range, code) ^ inverted;
    value = (inverted & 0x20) | (value >> 2);
  }
  return value > 32 ? value + 1 : value;
}

}  // namespace plcv::astc
