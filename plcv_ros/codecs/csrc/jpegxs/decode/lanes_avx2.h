// SPDX-License-Identifier: Apache-2.0
// What the decoder's lines need beyond simd/vec_avx2.h. Elements have 32 bits where nothing else is said; here, order is the order in memory.
//   widen(p)                     16-bit integers at p, as many as a vector has elements
//   shift_left, shift_right      by a number of bits that is the same for all elements; right is arithmetic
//   with_previous(previous, a)   the elements before those of a: the last of `previous`, then all of a but its last
//   with_next(a, next)           the elements after those of a
//   store_alternating            even[0], odd[0], even[1], odd[1], ...
//   to_bytes, to_words           clamped to 0..255 and 0..65535
//   pair(low, high)              two 64-bit words in every 128-bit lane
//   twice(p)                     half as many bytes at p as a vector has, each of them two times
//   madd16                       products of 16-bit words, signed, and sums of neighbours: 32 bits
//   pack32(a, b)                 to 16 bits, clamped; within 128-bit lanes, those of a first
//   mulhi16u, mullo16, sll16, equal16   on 16-bit words, unsigned; sll16 by the same number for all
#pragma once

#include "simd/vec_avx2.h"

namespace plcv::jpegxs::decoding {

struct LanesAvx2 : simd::Avx2 {
  static V widen(const int16_t* p) { return _mm256_cvtepi16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))); }
  static V shift_left(V a, int n) { return _mm256_sll_epi32(a, _mm_cvtsi32_si128(n)); }
  static V shift_right(V a, int n) { return _mm256_sra_epi32(a, _mm_cvtsi32_si128(n)); }
  static V with_previous(V previous, V a) { return _mm256_alignr_epi8(a, _mm256_permute2x128_si256(previous, a, 0x21), 12); }
  static V with_next(V a, V next) { return _mm256_alignr_epi8(_mm256_permute2x128_si256(a, next, 0x21), a, 4); }
  static void store_alternating(int32_t* p, V even, V odd) {
    const V low = lo32(even, odd), high = hi32(even, odd);
    store(p, _mm256_permute2x128_si256(low, high, 0x20));
    store(p + 8, _mm256_permute2x128_si256(low, high, 0x31));
  }
  static V to_bytes(V a, V b, V c, V d) {
    const V ab = _mm256_packs_epi32(a, b), cd = _mm256_packs_epi32(c, d);
    return _mm256_permutevar8x32_epi32(_mm256_packus_epi16(ab, cd), _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
  }
  static V to_words(V a, V b) { return _mm256_permute4x64_epi64(_mm256_packus_epi32(a, b), 0xD8); }

  static V twice(const uint8_t* p) {
    const V words = _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
    return or_(words, _mm256_slli_epi16(words, 8));
  }
  static V madd16(V a, V b) { return _mm256_madd_epi16(a, b); }
  static V pack32(V a, V b) { return _mm256_packs_epi32(a, b); }

  static V add8(V a, V b) { return _mm256_add_epi8(a, b); }
  static V pair(uint64_t low, uint64_t high) {
    return _mm256_broadcastsi128_si256(_mm_set_epi64x(static_cast<int64_t>(high), static_cast<int64_t>(low)));
  }
  static V mulhi16u(V a, V b) { return _mm256_mulhi_epu16(a, b); }
  static V mullo16(V a, V b) { return _mm256_mullo_epi16(a, b); }
  static V sll16(V a, int n) { return _mm256_sll_epi16(a, _mm_cvtsi32_si128(n)); }
  static V equal16(V a, V b) { return _mm256_cmpeq_epi16(a, b); }
};

}  // namespace plcv::jpegxs::decoding
