// SPDX-License-Identifier: Apache-2.0
// Operations of the encoder's kernels beyond those of simd/vec_avx2.h. Where bytes or words are gathered, they stay in order.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "simd/vec_avx2.h"

namespace plcv::jpegxs::encoding {

struct Avx2Lanes : simd::Avx2 {
  static constexpr int kBytes = 32;

  static V adds16(V a, V b) { return _mm256_adds_epi16(a, b); }
  static V subs16(V a, V b) { return _mm256_subs_epi16(a, b); }
  static V abs16(V a) { return _mm256_abs_epi16(a); }
  static V min16(V a, V b) { return _mm256_min_epi16(a, b); }
  static V max16(V a, V b) { return _mm256_max_epi16(a, b); }
  static V gt16(V a, V b) { return _mm256_cmpgt_epi16(a, b); }
  static V mullo16(V a, V b) { return _mm256_mullo_epi16(a, b); }
  static V sll16(V a, int n) { return _mm256_sll_epi16(a, _mm_cvtsi32_si128(n)); }
  static V srl16(V a, int n) { return _mm256_srl_epi16(a, _mm_cvtsi32_si128(n)); }
  using simd::Avx2::srl16;
  static V add8(V a, V b) { return _mm256_add_epi8(a, b); }
  static V subs8u(V a, V b) { return _mm256_subs_epu8(a, b); }
  static V equal8(V a, V b) { return _mm256_cmpeq_epi8(a, b); }
  // Bytes of b where the mask has ones, else of a.
  static V select(V a, V b, V mask) { return _mm256_blendv_epi8(a, b, mask); }
  static V set64(uint64_t x) { return _mm256_set1_epi64x(static_cast<long long>(x)); }
  template <int n>
  static V sll64(V a) {
    return _mm256_slli_epi64(a, n);
  }
  template <int n>
  static V srl64(V a) {
    return _mm256_srli_epi64(a, n);
  }
  static V sllv32(V a, V n) { return _mm256_sllv_epi32(a, n); }
  static V sllv64(V a, V n) { return _mm256_sllv_epi64(a, n); }
  static V add64(V a, V b) { return _mm256_add_epi64(a, b); }
  // The sum of each 8 bytes, in 64 bits.
  static V sums8(V a) { return _mm256_sad_epu8(a, _mm256_setzero_si256()); }

  static V in_order(V a) { return _mm256_permute4x64_epi64(a, 0xD8); }
  // Words of a and b that have no more than 8 bits, as bytes.
  static V narrow16(V a, V b) { return in_order(_mm256_packus_epi16(a, b)); }
  // The even words of a vector, then the odd ones.
  static V even_first16(V a) {
    const V order = _mm256_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15, 0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15);
    return in_order(_mm256_shuffle_epi8(a, order));
  }
  // Even and odd words of a and b.
  static void split16(V a, V b, V& even, V& odd) {
    const V x = even_first16(a), y = even_first16(b);
    even = _mm256_permute2x128_si256(x, y, 0x20);
    odd = _mm256_permute2x128_si256(x, y, 0x31);
  }
  // Bytes in such an order that interleaving them within lanes (lo8, then lo16 and lo32 with themselves) gives vectors in order.
  static V before_spreading(V a) { return even_first16(a); }
};

}  // namespace plcv::jpegxs::encoding
