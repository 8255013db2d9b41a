// SPDX-License-Identifier: Apache-2.0
// The kernels of the entropy decoder for AVX-512 with VBMI2 and GFNI, which do bitwise what other targets need tables and loops for:
//   - the zeros of 64 bits of unary code are their positions, compressed; code words are differences of positions;
//   - the groups' planes lie one behind the other in nibbles; expanding them to eight bytes a group lines their last planes up, and the
//     product with a matrix of single bits transposes each group's eight planes to four indices.
#pragma once

#include <immintrin.h>

#include "jpegxs/decode/kernels.h"
#include "jpegxs/decode/tables.h"
#include "jpegxs/parameters.h"

namespace plcv::jpegxs::decoding {
namespace {

constexpr int kMaxUnary = 31;

__mmask64 first_bytes(int64_t n) { return n >= 64 ? ~uint64_t{0} : _bzhi_u64(~uint64_t{0}, static_cast<unsigned>(n)); }

// Matrix that turns the bits of a byte around.
constexpr int64_t kReverse = static_cast<int64_t>(0x8040201008040201ull);

bool unary(const uint8_t* data, int64_t bytes, int64_t count, uint8_t* values) {
  alignas(64) static constexpr uint8_t kIndex[64] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
                                                     22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
                                                     44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
  const __m512i index = _mm512_load_si512(kIndex), before = _mm512_sub_epi8(index, _mm512_set1_epi8(1));
  __m512i largest = _mm512_setzero_si512();
  int previous = -1;  // position of the last zero, from the start of these 64 bits
  for (int64_t at = 0; count > 0; at += 8) {
    if (at >= bytes) return false;
    const __m128i bits = _mm_gf2p8affine_epi64_epi8(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(data + at)), _mm_set1_epi64x(kReverse), 0xFF);
    const uint64_t zeros = static_cast<uint64_t>(_mm_cvtsi128_si64(bits));
    if (zeros == 0) return false;
    const int64_t found = __builtin_popcountll(zeros);
    const __m512i position = _mm512_maskz_compress_epi8(zeros, index);
    const __m512i start = _mm512_mask_blend_epi8(1, _mm512_permutexvar_epi8(before, position), _mm512_set1_epi8(static_cast<char>(previous)));
    const __m512i value = _mm512_sub_epi8(_mm512_sub_epi8(position, start), _mm512_set1_epi8(1));
    _mm512_storeu_si512(values, value);
    largest = _mm512_mask_max_epu8(largest, first_bytes(found < count ? found : count), largest, value);
    if (found >= count) {
      const int64_t last = 8 * at + static_cast<int64_t>(_tzcnt_u64(_pdep_u64(uint64_t{1} << (count - 1), zeros)));
      return last < 8 * bytes && _mm512_cmpgt_epu8_mask(largest, _mm512_set1_epi8(kMaxUnary)) == 0;
    }
    values += found;
    count -= found;
    previous = -1 - static_cast<int>(_lzcnt_u64(zeros));
  }
  return true;
}

void raw_counts(const uint8_t* data, int64_t first, int groups, uint8_t* counts) {
  const __m512i low_nibbles = _mm512_set1_epi16(0x0F0F);
  data += first >> 1;
  for (int g = 0; g < groups; g += 64, data += 32) {
    const __m512i bytes = _mm512_cvtepu8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(data)));
    const __m512i next = _mm512_cvtepu8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(data + 1)));
    // Two nibbles in the order of memory: both of a byte, or the second one of a byte and the first one of the next.
    const __m512i low = (first & 1) != 0 ? bytes : _mm512_srli_epi16(bytes, 4);
    const __m512i high = (first & 1) != 0 ? _mm512_slli_epi16(next, 4) : _mm512_slli_epi16(bytes, 8);
    const __m512i both = _mm512_mask_blend_epi8(0xAAAAAAAAAAAAAAAAull, low, high);
    _mm512_storeu_si512(counts + g, _mm512_maskz_mov_epi8(first_bytes(groups - g), _mm512_and_si512(both, low_nibbles)));
  }
}

int64_t counts(const CountsJob& job) {
  const __m512i t = _mm512_set1_epi8(static_cast<char>(job.truncation)), zero = _mm512_setzero_si512();
  const __m512i least = _mm512_max_epu8(t, _mm512_set1_epi8(static_cast<char>(job.truncation_above)));
  __m512i largest = zero;
  int64_t used = 0;
  for (int g = 0; g < job.groups; g += 64) {
    const int left = job.groups - g;
    unsigned significant = 0xFF;
    if (job.flags != nullptr) {
      const int64_t bit = job.first_flag + g / kSignificanceGroupSize;
      const unsigned two = (unsigned{job.flags[bit >> 3]} << 8) | job.flags[(bit >> 3) + 1];
      significant = static_cast<unsigned>(~kReversedBytes.byte[(two >> (8 - (bit & 7))) & 0xFF]) & 0xFF;
    }
    const __m512i x = _mm512_maskz_expand_epi64(static_cast<__mmask8>(significant), _mm512_loadu_si512(job.values + used));
    __m512i m;
    if (job.vertical) {
      const __m512i prediction = _mm512_max_epu8(_mm512_loadu_si512(job.counts + g), least);
      const __m512i theta = _mm512_sub_epi8(prediction, t), half = _mm512_avg_epu8(x, zero);
      const __mmask64 odd = _mm512_test_epi8_mask(x, _mm512_set1_epi8(1)), beyond = _mm512_cmpgt_epu8_mask(x, _mm512_add_epi8(theta, theta));
      m = _mm512_mask_sub_epi8(_mm512_add_epi8(prediction, half), odd, prediction, half);
      m = _mm512_mask_add_epi8(m, beyond, x, t);
      if (job.run_mode != 0) m = _mm512_mask_blend_epi64(static_cast<__mmask8>(significant), t, m);
    } else {
      m = _mm512_add_epi8(x, t);
    }
    m = _mm512_maskz_mov_epi8(first_bytes(left), m);
    _mm512_storeu_si512(job.counts + g, m);
    largest = _mm512_max_epu8(largest, m);
    if (left >= 64) {
      used += kSignificanceGroupSize * __builtin_popcount(significant);
    } else {
      const int whole = left / kSignificanceGroupSize, rest = left % kSignificanceGroupSize;
      used +=
          kSignificanceGroupSize * __builtin_popcount(significant & ((1u << whole) - 1)) + ((significant >> whole) & 1) * static_cast<unsigned>(rest);
    }
  }
  return _mm512_cmpgt_epu8_mask(largest, _mm512_set1_epi8(kMaxPlanes)) != 0 ? -1 : used;
}

int64_t data_nibbles(const uint8_t* counts, int groups, int truncation, bool separate_signs) {
  const __m512i t = _mm512_set1_epi8(static_cast<char>(truncation)), one = _mm512_set1_epi8(separate_signs ? 0 : 1);
  __m512i sum = _mm512_setzero_si512();
  for (int g = 0; g < groups; g += 64) {
    const __m512i planes = _mm512_subs_epu8(_mm512_loadu_si512(counts + g), t);
    const __m512i nibbles = _mm512_add_epi8(planes, _mm512_min_epu8(planes, one));
    sum = _mm512_add_epi64(sum, _mm512_sad_epu8(nibbles, _mm512_setzero_si512()));
  }
  return _mm512_reduce_add_epi64(sum);
}

struct ExpandTables {
  alignas(64) uint8_t group_of8[64], group_of16[64];  // the group that each byte belongs to, with 8 and 16 bytes a group
  alignas(64) uint8_t below8[64], below16[64];        // a byte holds a plane where the number of planes is above this
  alignas(64) uint8_t bytes[64];                      // for each group of eight nibbles, the eight bytes that hold them, the first one on top
  alignas(64) uint8_t shift[2][64];                   // bit of that at which each nibble ends, for nibbles that begin a byte, or half a byte later
  constexpr ExpandTables() : group_of8{}, group_of16{}, below8{}, below16{}, bytes{}, shift{} {
    for (int i = 0; i < 64; ++i) {
      group_of8[i] = static_cast<uint8_t>(i / 8);
      group_of16[i] = static_cast<uint8_t>(i / 16);
      below8[i] = static_cast<uint8_t>(7 - i % 8);
      below16[i] = static_cast<uint8_t>(15 - i % 16);
      bytes[i] = static_cast<uint8_t>(4 * (i / 8) + 7 - i % 8);
      for (int half = 0; half < 2; ++half) shift[half][i] = static_cast<uint8_t>(60 - 4 * (i % 8 + half));
    }
  }
};
alignas(64) constexpr ExpandTables kExpand;

// 64 nibbles from `nibble` on, one a byte; the upper halves of the bytes hold anything.
__m512i load_nibbles(const uint8_t* data, int64_t nibble) {
  const __m512i packed = _mm512_permutexvar_epi8(_mm512_load_si512(kExpand.bytes), _mm512_loadu_si512(data + (nibble >> 1)));
  return _mm512_multishift_epi64_epi8(_mm512_load_si512(kExpand.shift[nibble & 1]), packed);
}

struct Dequantizer {
  __m128i truncation;
  __m512i factors, half;
  bool uniform;

  // q: indices, planes: the number of planes of each one's group in the low byte of its element.
  __m512i magnitude(__m512i q, __m512i planes) const {
    const __m512i v = _mm512_sll_epi16(q, truncation);
    if (!uniform) return _mm512_mask_add_epi16(v, _mm512_test_epi16_mask(q, q), v, half);
    return _mm512_add_epi16(v, _mm512_mulhi_epu16(v, _mm512_permutexvar_epi16(planes, factors)));
  }
};

// Signs of the coefficients that are not zero, from the sign sub-packet.
__mmask32 next_signs(CoefficientsJob* job, __mmask32 present) {
  const uint8_t* p = job->signs + (job->sign >> 3);
  const __m128i turned = _mm_gf2p8affine_epi64_epi8(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)), _mm_set1_epi64x(kReverse), 0);
  const uint64_t bits = static_cast<uint64_t>(_mm_cvtsi128_si64(turned)) >> (job->sign & 7);
  job->sign += __builtin_popcount(present);
  return _pdep_u32(static_cast<uint32_t>(bits), present);
}

// kSigned: a nibble of signs in front of each group's planes.
template <bool kSigned>
void coefficients_of(CoefficientsJob* job_at) {
  CoefficientsJob job = *job_at;
  const __m128i t = _mm_set1_epi8(static_cast<char>(job.truncation));
  const Dequantizer dequantizer{_mm_cvtsi32_si128(job.truncation), _mm512_loadu_si512(kUniformFactors.factor),
                                _mm512_set1_epi16(static_cast<int16_t>(job.truncation > 0 ? 1 << (job.truncation - 1) : 0)), job.uniform};
  const __m512i zero = _mm512_setzero_si512();
  // Bytes that select coefficient 0, 1, 2, 3 of a group; the odd bytes give the upper halves of 16-bit elements.
  const __m512i select_low = _mm512_set1_epi64(0x0001000200040008), select_high = _mm512_set1_epi64(0x0100020004000800);
  int16_t* out = job.coefficients;
  for (int g = 0; g < job.groups; g += kSignificanceGroupSize, out += kGroupSize * kSignificanceGroupSize) {
    const __m128i planes = _mm_subs_epu8(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(job.counts + g)), t);
    if (_mm_cvtsi128_si64(planes) == 0) {
      _mm512_storeu_si512(out, zero);
      continue;
    }
    __m512i magnitude;
    __mmask32 negative = 0;
    if (_mm_cmpgt_epu8_mask(planes, _mm_set1_epi8(kSigned ? 7 : 8)) == 0) {
      const __m512i each = _mm512_permutexvar_epi8(_mm512_load_si512(kExpand.group_of8), _mm512_castsi128_si512(planes));
      const __mmask64 is_plane = _mm512_cmpgt_epu8_mask(each, _mm512_load_si512(kExpand.below8));
      __mmask64 is_nibble = is_plane;
      if (kSigned) {
        const __m512i nibbles = _mm512_add_epi8(each, _mm512_min_epu8(each, _mm512_set1_epi8(1)));
        is_nibble = _mm512_cmpgt_epu8_mask(nibbles, _mm512_load_si512(kExpand.below8));
      }
      const __m512i expanded = _mm512_maskz_expand_epi8(is_nibble, load_nibbles(job.data, job.nibble));
      job.nibble += __builtin_popcountll(is_nibble);
      const __m512i q = _mm512_gf2p8affine_epi64_epi8(select_low, _mm512_maskz_mov_epi8(is_plane, expanded), 0);
      if (kSigned) {
        const __m512i signs = _mm512_gf2p8affine_epi64_epi8(select_low, _mm512_maskz_mov_epi8(is_nibble & ~is_plane, expanded), 0);
        negative = _mm512_test_epi16_mask(signs, signs);
      } else {
        negative = next_signs(&job, _mm512_test_epi16_mask(q, q));
      }
      magnitude = dequantizer.magnitude(q, each);
    } else {
      // Sixteen bytes a group, four groups at a time: of each pair of eight bytes the first gives upper bytes, the second lower ones.
      __m512i halves[2];
      for (int k = 0; k < 2; ++k) {
        const __m512i each =
            _mm512_permutexvar_epi8(_mm512_load_si512(kExpand.group_of16), _mm512_castsi128_si512(k == 0 ? planes : _mm_srli_si128(planes, 4)));
        const __mmask64 is_plane = _mm512_cmpgt_epu8_mask(each, _mm512_load_si512(kExpand.below16));
        __mmask64 is_nibble = is_plane;
        if (kSigned) {
          const __m512i nibbles = _mm512_add_epi8(each, _mm512_min_epu8(each, _mm512_set1_epi8(1)));
          is_nibble = _mm512_cmpgt_epu8_mask(nibbles, _mm512_load_si512(kExpand.below16));
        }
        const __m512i expanded = _mm512_maskz_expand_epi8(is_nibble, load_nibbles(job.data, job.nibble));
        job.nibble += __builtin_popcountll(is_nibble);
        const __m512i select = _mm512_mask_blend_epi64(0xAA, select_high, select_low);
        const __m512i parts = _mm512_gf2p8affine_epi64_epi8(select, _mm512_maskz_mov_epi8(is_plane, expanded), 0);
        halves[k] = _mm512_or_si512(parts, _mm512_permutex_epi64(parts, 0xB1));
        if (kSigned) {
          const __m512i signs = _mm512_gf2p8affine_epi64_epi8(select, _mm512_maskz_mov_epi8(is_nibble & ~is_plane, expanded), 0);
          const __m512i both = _mm512_or_si512(signs, _mm512_permutex_epi64(signs, 0xB1));
          const __m256i four = _mm512_castsi512_si256(_mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 0, 2, 4, 6), both));
          negative |= static_cast<__mmask32>(_mm256_test_epi16_mask(four, four)) << (16 * k);
        }
      }
      const __m512i q = _mm512_permutex2var_epi64(halves[0], _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14), halves[1]);
      if (!kSigned) negative = next_signs(&job, _mm512_test_epi16_mask(q, q));
      magnitude = dequantizer.magnitude(q, _mm512_permutexvar_epi8(_mm512_load_si512(kExpand.group_of8), _mm512_castsi128_si512(planes)));
    }
    _mm512_storeu_si512(out, _mm512_mask_sub_epi16(magnitude, negative, zero, magnitude));
  }
  *job_at = job;
}

void coefficients(CoefficientsJob* job) {
  if (job->separate_signs) {
    coefficients_of<false>(job);
  } else {
    coefficients_of<true>(job);
  }
}

}  // namespace
}  // namespace plcv::jpegxs::decoding
