// SPDX-License-Identifier: Apache-2.0
// The kernels of the entropy decoder for targets of plain vectors: bits are taken apart by words and tables, coefficients made in vectors.
// Loops over 64 bytes are left to the compiler, which makes vectors of them.
#pragma once

#include <cstring>

#include "jpegxs/decode/kernels.h"
#include "jpegxs/decode/tables.h"
#include "jpegxs/parameters.h"
#include "simd/unroll.h"

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

// One where the bytes of `a` are above those of `b`, else zero; both below 128.
template <class S>
typename S::V above8(typename S::V a, typename S::V b) {
  return S::min8u(S::sub8(S::max8u(a, b), b), S::set8(1));
}

// a where `which` is 0xFF, b where it is 0.
template <class S>
typename S::V select8(typename S::V which, typename S::V a, typename S::V b) {
  return S::xor_(b, S::and_(S::xor_(a, b), which));
}

template <class S>
int64_t counts(const CountsJob& job) {
  using V = typename S::V;
  constexpr int kBytes = 16 * S::kLanes;
  const V t = S::set8(job.truncation), zero = S::zero(), one = S::set8(1);
  const V least = S::max8u(t, S::set8(job.truncation_above));
  V largest = zero;
  int64_t used = 0;
  for (int g = 0; g < job.groups; g += kLineAlign) {
    const int left = job.groups - g;
    uint8_t words[kLineAlign], run[kLineAlign];
    const uint8_t* x = job.values + used;
    if (job.flags == nullptr) {
      used += left < kLineAlign ? left : kLineAlign;
    } else {
      PLCV_UNROLL
      for (int i = 0; i < kLineAlign; i += kSignificanceGroupSize) {
        const int64_t bit = job.first_flag + (g + i) / kSignificanceGroupSize;
        const bool coded = ((job.flags[bit >> 3] >> (7 - (bit & 7))) & 1) == 0 && i < left;
        const uint64_t mask = coded ? ~uint64_t{0} : 0;
        uint64_t eight;
        std::memcpy(&eight, job.values + used, sizeof eight);
        eight &= mask;
        std::memcpy(words + i, &eight, sizeof eight);
        std::memcpy(run + i, &mask, sizeof mask);
        used += coded ? (left - i < kSignificanceGroupSize ? left - i : kSignificanceGroupSize) : 0;
      }
      x = words;
    }
    uint8_t* out = job.counts + g;
    if (!job.vertical) {
      for (int i = 0; i < kLineAlign; i += kBytes) S::store(out + i, S::add8(S::load(x + i), t));
    } else {
      for (int i = 0; i < kLineAlign; i += kBytes) {
        const V value = S::load(x + i), prediction = S::max8u(S::load(out + i), least), theta = S::sub8(prediction, t);
        const V half = S::avg8(value, zero), odd = S::sub8(zero, S::and_(value, one));
        const V near = S::add8(prediction, S::sub8(S::xor_(half, odd), odd));
        const V beyond = S::sub8(zero, above8<S>(value, S::add8(theta, theta)));
        V m = select8<S>(beyond, S::add8(value, t), near);
        if (job.run_mode != 0 && job.flags != nullptr) m = select8<S>(S::load(run + i), m, t);
        S::store(out + i, m);
      }
    }
    if (left < kLineAlign) std::memset(out + left, 0, static_cast<std::size_t>(kLineAlign - left));
    for (int i = 0; i < kLineAlign; i += kBytes) largest = S::max8u(largest, S::load(out + i));
  }
  return S::any(above8<S>(largest, S::set8(kMaxPlanes))) ? -1 : used;
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

// Words of one significance group as the vector code wants them: 16 bits a group, the first one at the bottom. Groups come in order.
struct GroupWords {
  uint64_t part[2];
  void put(int group, uint64_t word) {
    uint64_t& p = part[group / 4];
    p = (p >> 16) | (word << 48);
    // Keeps the compiler from gathering the words in memory instead, where a vector of them can be read only once all have arrived.
    asm("" : "+r"(p));
  }
};

// Ones in the nibble `present`.
int ones_of(uint64_t present) { return static_cast<int>((0x4332322132212110ull >> (4 * present)) & 15); }

// Signs of the groups' coefficients that are not zero, from the sign sub-packet. present: a nibble a group.
inline __attribute__((always_inline)) GroupWords next_signs(CoefficientsJob* job, const GroupWords& present) {
  GroupWords negative{};
  uint64_t bits = load_big_endian(job->signs + (job->sign >> 3)) << (job->sign & 7);
  int total = 0;
  PLCV_UNROLL
  for (int i = 0; i < kSignificanceGroupSize; ++i) {
    const uint64_t which = (present.part[i / 4] >> (16 * (i % 4))) & 15;
    const int count = ones_of(which);
    negative.put(i, kSpreadSigns.signs[which][bits >> 60]);
    bits <<= count;
    total += count;
  }
  job->sign += total;
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
  static inline __attribute__((always_inline)) uint64_t next_planes(const uint8_t* data, int64_t* nibble, int group, int count,
                                                                    GroupWords* negative) {
    if (kSigned) {
      const unsigned signs = static_cast<unsigned>(data[*nibble >> 1] >> ((*nibble & 1) != 0 ? 0 : 4)) & 15;
      negative->put(group, count > 0 ? signs : 0);
      *nibble += count > 0 ? 1 : 0;
    }
    const uint64_t window = load_big_endian(data + (*nibble >> 1)) << (4 * (*nibble & 1));
    *nibble += count;
    return (window >> 4) >> (60 - 4 * count);
  }

  // At most four planes a group: their nibbles are a 4x4 matrix of bits, to be transposed.
  void read_short(uint64_t planes, int16_t* out) {
    alignas(16) static constexpr uint16_t kToTop[8] = {1, 16, 256, 4096, 1, 16, 256, 4096};
    GroupWords words{}, negative{};
    int64_t nibble = job_.nibble;
    PLCV_UNROLL
    for (int i = 0; i < kSignificanceGroupSize; ++i) {
      words.put(i, next_planes(job_.data, &nibble, i, static_cast<int>((planes >> (8 * i)) & 15), &negative));
    }
    job_.nibble = nibble;
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
    PLCV_UNROLL
    for (int k = 0; k < R::kVectors; ++k) {
      const V q = S::template srl16<12>(S::mullo16(S::shuffle8(w, S::load(kRepetition.word[k])), to_top));
      finish(k, q, n, signs, out);
    }
  }

  // Any number of planes: they are shifted in, one after the other, in four 16-bit parts of a word.
  void read_long(uint64_t planes, int16_t* out) {
    GroupWords present{}, negative{};
    uint64_t indices[kSignificanceGroupSize];
    PLCV_UNROLL
    for (int i = 0; i < kSignificanceGroupSize; ++i) {
      const int count = static_cast<int>((planes >> (8 * i)) & 15);
      const uint64_t nibbles = next_planes(job_.data, &job_.nibble, i, count, &negative);
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
