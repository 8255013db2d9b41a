// SPDX-License-Identifier: Apache-2.0
// The kernels of the entropy decoder for targets of plain vectors: bits are taken apart by words and tables, coefficients made in vectors.
// Loops over 64 bytes are left to the compiler, which makes vectors of them.
#pragma once

#include <cstring>

#include "jpegxs/decode/kernels.h"
#include "jpegxs/decode/tables.h"
#include "jpegxs/parameters.h"

namespace plcv::jpegxs::decoding {
namespace {

constexpr int kMaxUnary = 31;

// Eight bytes, the first one on top.
uint64_t load_big_endian(const uint8_t* p) {
  uint64_t value;
  std::memcpy(&value, p, sizeof value);
  return __builtin_bswap64(value);
}

bool unary(const uint8_t* data, int64_t bytes, int64_t count, uint8_t* values) {
  unsigned ones = 0;  // of a code word that began in the bytes before
  for (int64_t at = 0; count > 0; ++at) {
    if (at >= bytes) return false;
    const int byte = data[at], found = kUnaryBytes.count[byte];
    if (found == 0) {
      ones += 8;
      if (ones > kMaxUnary) return false;
      continue;
    }
    std::memcpy(values, kUnaryBytes.value[byte], 8);
    const unsigned first = values[0] + ones;
    if (first > kMaxUnary) return false;
    values[0] = static_cast<uint8_t>(first);
    ones = kUnaryBytes.trailing[byte];
    values += found;
    count -= found;
  }
  return true;
}

void raw_counts(const uint8_t* data, int64_t first, int groups, uint8_t* counts) {
  data += first >> 1;
  const int rounded = (groups + kLineAlign - 1) / kLineAlign * kLineAlign;
  for (int g = 0; g < groups; g += kLineAlign, data += kLineAlign / 2) {
    uint8_t* out = counts + g;
    if ((first & 1) == 0) {
      for (int i = 0; i < kLineAlign / 2; ++i) {
        out[2 * i] = data[i] >> 4;
        out[2 * i + 1] = data[i] & 15;
      }
    } else {
      for (int i = 0; i < kLineAlign / 2; ++i) {
        out[2 * i] = data[i] & 15;
        out[2 * i + 1] = data[i + 1] >> 4;
      }
    }
  }
  std::memset(counts + groups, 0, static_cast<std::size_t>(rounded - groups));
}

int64_t counts(const CountsJob& job) {
  const uint8_t t = static_cast<uint8_t>(job.truncation);
  const uint8_t least = static_cast<uint8_t>(job.truncation > job.truncation_above ? job.truncation : job.truncation_above);
  uint8_t largest[kLineAlign] = {};
  int64_t used = 0;
  for (int g = 0; g < job.groups; g += kLineAlign) {
    const int left = job.groups - g;
    uint8_t x[kLineAlign], keep[kLineAlign];  // keep: 0 where run mode 1 takes T
    std::memset(keep, 0xFF, sizeof keep);
    if (job.flags == nullptr) {
      std::memcpy(x, job.values + used, kLineAlign);
      used += left < kLineAlign ? left : kLineAlign;
    } else {
      for (int i = 0; i < kLineAlign; i += kSignificanceGroupSize) {
        const int64_t bit = job.first_flag + (g + i) / kSignificanceGroupSize;
        if (i < left && ((job.flags[bit >> 3] >> (7 - (bit & 7))) & 1) == 0) {
          std::memcpy(x + i, job.values + used, kSignificanceGroupSize);
          used += left - i < kSignificanceGroupSize ? left - i : kSignificanceGroupSize;
        } else {
          std::memset(x + i, 0, kSignificanceGroupSize);
          if (job.run_mode != 0) std::memset(keep + i, 0, kSignificanceGroupSize);
        }
      }
    }
    uint8_t m[kLineAlign];
    if (job.vertical) {
      uint8_t above[kLineAlign];
      std::memcpy(above, job.counts + g, kLineAlign);
      for (int i = 0; i < kLineAlign; ++i) {
        const uint8_t prediction = above[i] > least ? above[i] : least, theta = static_cast<uint8_t>(prediction - t);
        const uint8_t half = static_cast<uint8_t>((x[i] + 1) >> 1);
        const uint8_t near = static_cast<uint8_t>((x[i] & 1) != 0 ? prediction - half : prediction + half);
        const uint8_t value = x[i] > 2 * theta ? static_cast<uint8_t>(x[i] + t) : near;
        m[i] = keep[i] != 0 ? value : t;
      }
    } else {
      for (int i = 0; i < kLineAlign; ++i) m[i] = static_cast<uint8_t>(x[i] + t);
    }
    if (left < kLineAlign) std::memset(m + left, 0, static_cast<std::size_t>(kLineAlign - left));
    for (int i = 0; i < kLineAlign; ++i) largest[i] = m[i] > largest[i] ? m[i] : largest[i];
    std::memcpy(job.counts + g, m, kLineAlign);
  }
  for (const uint8_t m : largest) {
    if (m > kMaxPlanes) return -1;
  }
  return used;
}

template <class S>
int64_t data_nibbles(const uint8_t* counts, int groups, int truncation, bool separate_signs) {
  using V = typename S::V;
  const V t = S::set8(truncation), sign = S::set8(separate_signs ? 0 : 1), ones = S::set8(1);
  V sum = S::zero();  // 16 bits: at most 32 a step, and a line has at most 65536 / 4 groups
  for (int g = 0; g < groups; g += 16 * S::kLanes) {
    const V planes = S::sub8(S::max8u(S::load(counts + g), t), t);
    sum = S::add16(sum, S::maddubs(planes, ones));
    sum = S::add16(sum, S::maddubs(S::min8u(planes, sign), ones));
  }
  uint16_t parts[8 * S::kLanes];
  S::store(parts, sum);
  int64_t total = 0;
  for (const uint16_t part : parts) total += part;
  return total;
}

constexpr uint64_t kEveryByte = 0x0101010101010101ull, kTopBits = 0x8080808080808080ull;

// For each byte of `a`, all of them below 128: a - b, or 0 where that is negative.
uint64_t subtract_bytes(uint64_t a, int b) {
  const uint64_t difference = (a | kTopBits) - kEveryByte * static_cast<unsigned>(b), positive = difference & kTopBits;
  return difference & (positive - (positive >> 7));
}

// Which of 16 bytes, a 16-bit word for each of eight groups, go to the elements of the vectors that hold their coefficients.
template <class S>
struct Repetition {
  static constexpr int kGroups = 2 * S::kLanes;  // of a vector
  static constexpr int kVectors = kSignificanceGroupSize / kGroups;
  alignas(32) uint8_t word[kVectors][16 * S::kLanes], byte[kVectors][16 * S::kLanes];
  constexpr Repetition() : word{}, byte{} {
    for (int k = 0; k < kVectors; ++k) {
      for (int i = 0; i < 16 * S::kLanes; ++i) {
        const int group = kGroups * k + i / (2 * kGroupSize);
        word[k][i] = static_cast<uint8_t>(2 * group + i % 2);
        byte[k][i] = static_cast<uint8_t>(group);
      }
    }
  }
};

// Words of one significance group as the vector code wants them: four groups of 16 bits in each, the first one at the bottom.
struct GroupWords {
  uint64_t part[2];
  void put(int group, uint64_t word) { part[group / 4] |= word << (16 * (group % 4)); }
};

// Ones in the nibble `present`.
int ones_of(uint64_t present) { return static_cast<int>((0x4332322132212110ull >> (4 * present)) & 15); }

// Signs of the groups' coefficients that are not zero, from the sign sub-packet. present: a nibble a group.
GroupWords next_signs(CoefficientsJob* job, const GroupWords& present) {
  GroupWords negative{};
  const uint8_t* p = job->signs + (job->sign >> 3);
  uint64_t bits = load_big_endian(p) << (job->sign & 7);
  for (int i = 0; i < kSignificanceGroupSize; ++i) {
    const uint64_t which = (present.part[i / 4] >> (16 * (i % 4))) & 15;
    const int count = ones_of(which);
    negative.put(i, kSpreadSigns.signs[which][bits >> 60]);
    bits <<= count;
    job->sign += count;
  }
  return negative;
}

template <class S, bool kSigned>
class CoefficientDecoder {
 public:
  using V = typename S::V;

  explicit CoefficientDecoder(const CoefficientsJob& job) : job_(job) {
    half_ = S::set16(job.truncation > 0 ? 1 << (job.truncation - 1) : 0);
    alignas(16) uint8_t low[16], high[16];
    for (int n = 0; n < 16; ++n) {
      low[n] = static_cast<uint8_t>(kUniformFactors.factor[n]);
      high[n] = static_cast<uint8_t>(kUniformFactors.factor[n] >> 8);
    }
    factors_low_ = S::lanes(low);
    factors_high_ = S::lanes(high);
  }

  const CoefficientsJob& run() {
    int16_t* out = job_.coefficients;
    for (int g = 0; g < job_.groups; g += kSignificanceGroupSize, out += kGroupSize * kSignificanceGroupSize) {
      uint64_t counts;
      std::memcpy(&counts, job_.counts + g, sizeof counts);
      const uint64_t planes = subtract_bytes(counts, job_.truncation);
      if (planes == 0) {
        for (int k = 0; k < R::kVectors; ++k) S::store(out + kGroupSize * R::kGroups * k, S::zero());
      } else if (subtract_bytes(planes, 4) == 0) {
        read_short(planes, out);
      } else {
        read_long(planes, out);
      }
    }
    return job_;
  }

 private:
  using R = Repetition<S>;
  static constexpr R kRepetition{};

  // The next planes, the last one in the lowest nibble; and the signs in front of them.
  uint64_t next_planes(int group, int count, GroupWords* negative) {
    if (kSigned && count > 0) {
      negative->put(group, static_cast<uint64_t>((job_.data[job_.nibble >> 1] >> ((job_.nibble & 1) != 0 ? 0 : 4)) & 15));
      ++job_.nibble;
    }
    const uint64_t window = load_big_endian(job_.data + (job_.nibble >> 1)) << (4 * (job_.nibble & 1));
    job_.nibble += count;
    return (window >> 4) >> (60 - 4 * count);
  }

  // At most four planes a group: their nibbles are a 4x4 matrix of bits, to be transposed.
  void read_short(uint64_t planes, int16_t* out) {
    alignas(16) static constexpr uint16_t kToTop[8] = {1, 16, 256, 4096, 1, 16, 256, 4096};
    GroupWords words{}, negative{};
    for (int i = 0; i < kSignificanceGroupSize; ++i) words.put(i, next_planes(i, static_cast<int>((planes >> (8 * i)) & 15), &negative));
    if (!kSigned) {
      GroupWords present;
      for (int k = 0; k < 2; ++k) {
        const uint64_t pairs = words.part[k] | (words.part[k] >> 4);
        present.part[k] = (pairs | (pairs >> 8)) & 0x000F000F000F000Full;
      }
      negative = next_signs(&job_, present);
    }
    V w = S::pair(words.part[0], words.part[1]);
    const V near = S::and_(S::xor_(w, S::template srl16<3>(w)), S::set16(0x0A0A));
    w = S::xor_(w, S::xor_(near, S::sll16(near, 3)));
    const V far = S::and_(S::xor_(w, S::template srl16<6>(w)), S::set16(0x00CC));
    w = S::xor_(w, S::xor_(far, S::sll16(far, 6)));
    const V n = S::pair(planes, planes), signs = S::pair(negative.part[0], negative.part[1]), to_top = S::lanes(kToTop);
    for (int k = 0; k < R::kVectors; ++k) {
      const V q = S::template srl16<12>(S::mullo16(S::shuffle8(w, S::load(kRepetition.word[k])), to_top));
      finish(k, q, n, signs, out);
    }
  }

  // Any number of planes: they are shifted in, one after the other, in four 16-bit parts of a word.
  void read_long(uint64_t planes, int16_t* out) {
    GroupWords present{}, negative{};
    uint64_t indices[kSignificanceGroupSize];
    for (int i = 0; i < kSignificanceGroupSize; ++i) {
      const int count = static_cast<int>((planes >> (8 * i)) & 15);
      const uint64_t nibbles = next_planes(i, count, &negative);
      uint64_t sums = 0, any = 0;
      for (int k = count - 1; k >= 0; --k) {
        const uint64_t nibble = (nibbles >> (4 * k)) & 15;
        any |= nibble;
        sums = (sums << 1) | kSpreadPlanes.word[nibble];
      }
      indices[i] = sums;
      present.put(i, any);
    }
    if (!kSigned) negative = next_signs(&job_, present);
    const V n = S::pair(planes, planes), signs = S::pair(negative.part[0], negative.part[1]);
    for (int k = 0; k < R::kVectors; ++k) finish(k, S::load(indices + R::kGroups * k), n, signs, out);
  }

  // Inverse quantization and signs.
  void finish(int k, V q, V planes, V negative, int16_t* out) const {
    alignas(16) static constexpr uint16_t kBits[8] = {8, 4, 2, 1, 8, 4, 2, 1};
    const V v = S::sll16(q, job_.truncation), bits = S::lanes(kBits);
    V magnitude;
    if (job_.uniform) {
      const V n = S::shuffle8(planes, S::load(kRepetition.byte[k]));
      const V low = S::and_(S::shuffle8(factors_low_, n), S::set16(0x00FF)), high = S::and_(S::shuffle8(factors_high_, n), S::set16(-0x0100));
      magnitude = S::add16(v, S::mulhi16u(v, S::or_(low, high)));
    } else {
      const V present = S::xor_(S::equal16(q, S::zero()), S::set16(-1));
      magnitude = S::add16(v, S::and_(present, half_));
    }
    const V minus = S::equal16(S::and_(S::shuffle8(negative, S::load(kRepetition.word[k])), bits), bits);
    S::store(out + kGroupSize * R::kGroups * k, S::sub16(S::xor_(magnitude, minus), minus));
  }

  CoefficientsJob job_;
  V half_, factors_low_, factors_high_;
};

template <class S>
void coefficients(CoefficientsJob* job) {
  *job = job->separate_signs ? CoefficientDecoder<S, false>(*job).run() : CoefficientDecoder<S, true>(*job).run();
}

}  // namespace
}  // namespace plcv::jpegxs::decoding
