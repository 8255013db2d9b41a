// SPDX-License-Identifier: Apache-2.0
// What the decoder's lines need beyond simd/vec_avx512.h; see lanes_avx2.h for the meaning of the operations.
#pragma once

#include "simd/vec_avx512.h"

namespace plcv::jpegxs::decoding {

struct LanesAvx512 : simd::Avx512 {
  static V widen(const int16_t* p) { return _mm512_cvtepi16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))); }
  static V shift_left(V a, int n) { return _mm512_sll_epi32(a, _mm_cvtsi32_si128(n)); }
  static V shift_right(V a, int n) { return _mm512_sra_epi32(a, _mm_cvtsi32_si128(n)); }
  static V with_previous(V previous, V a) { return _mm512_alignr_epi32(a, previous, 15); }
  static V with_next(V a, V next) { return _mm512_alignr_epi32(next, a, 1); }
  static void store_alternating(int32_t* p, V even, V odd) {
    const V first = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const V second = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    store(p, _mm512_permutex2var_epi32(even, first, odd));
    store(p + 16, _mm512_permutex2var_epi32(even, second, odd));
  }
  static V to_bytes(V a, V b, V c, V d) {
    const V order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const V ab = _mm512_packs_epi32(a, b), cd = _mm512_packs_epi32(c, d);
    return _mm512_permutexvar_epi32(order, _mm512_packus_epi16(ab, cd));
  }
  static V to_words(V a, V b) {
    const V order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
    return _mm512_permutexvar_epi64(order, _mm512_packus_epi32(a, b));
  }
  static V twice(const uint8_t* p) {
    const V words = _mm512_cvtepu8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
    return or_(words, _mm512_slli_epi16(words, 8));
  }
  static V madd16(V a, V b) { return _mm512_madd_epi16(a, b); }
  static V pack32(V a, V b) { return _mm512_packs_epi32(a, b); }
  static V mullo16(V a, V b) { return _mm512_mullo_epi16(a, b); }
};

}  // namespace plcv::jpegxs::decoding
