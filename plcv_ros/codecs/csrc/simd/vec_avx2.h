// SPDX-License-Identifier: Apache-2.0
// The vector operations of the kernels, two 128-bit lanes: AVX2. vec_avx512.h and vec_neon.h offer the same with four lanes and one.
//
// Every operation works within 128-bit lanes, so kernels do not depend on how many a vector has. Names say element sizes in bits.
//   lo8(a, b)        interleaves the first halves of the lanes of a and b, hi8 the second halves
//   lanes(p)         the 16 bytes at p in every lane
//   maddubs(u, s)    u[2i] * s[2i] + u[2i+1] * s[2i+1], u unsigned, s signed bytes, to 16 bits; callers keep it within them
//   dot4(sum, u, s)  sum + four such products, 32 bits; every two neighbours' sum must fit 16 bits
//   sum_step, sum_total   the same as dot4 over several steps, where all sums of neighbours together fit 16 bits: begin with zero(), step,
//                    then ask for the total once
//   mulhrs16(a, b)   (a * b + 2^14) >> 15
//   even32(a, b)     a0 a2 b0 b2; odd32: a1 a3 b1 b3; spread32<q>(a): element q four times
//   shuffle16(from, index, to)   16 bytes in memory
//   load_rgb<w>      w = 8: lane l holds pixels 16 l .. 16 l + 15; w > 8: pixels w l .. w l + w - 1, the last one repeated up to 16
//   load_zipped      16-byte blocks: even gets blocks 0, 2, 4, ..., odd 1, 3, 5, ...
// Floating point is IEEE single precision, one rounding an operation: the sources are compiled without contraction.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace plcv::simd {

struct Avx2 {
  static constexpr int kLanes = 2;
  using V = __m256i;
  using F = __m256;

  static V load(const void* p) { return _mm256_loadu_si256(static_cast<const V*>(p)); }
  static void store(void* p, V v) { _mm256_storeu_si256(static_cast<V*>(p), v); }
  static V lanes(const void* p) { return _mm256_broadcastsi128_si256(_mm_loadu_si128(static_cast<const __m128i*>(p))); }
  static V zero() { return _mm256_setzero_si256(); }
  static V set8(int x) { return _mm256_set1_epi8(static_cast<char>(x)); }
  static V set16(int x) { return _mm256_set1_epi16(static_cast<short>(x)); }
  static V set32(int x) { return _mm256_set1_epi32(x); }

  static V and_(V a, V b) { return _mm256_and_si256(a, b); }
  static V or_(V a, V b) { return _mm256_or_si256(a, b); }
  static V xor_(V a, V b) { return _mm256_xor_si256(a, b); }
  static bool any(V a) { return _mm256_testz_si256(a, a) == 0; }

  static V avg8(V a, V b) { return _mm256_avg_epu8(a, b); }
  static V sub8(V a, V b) { return _mm256_sub_epi8(a, b); }
  static V min8u(V a, V b) { return _mm256_min_epu8(a, b); }
  static V max8u(V a, V b) { return _mm256_max_epu8(a, b); }
  static V min8s(V a, V b) { return _mm256_min_epi8(a, b); }
  static V max8s(V a, V b) { return _mm256_max_epi8(a, b); }
  static V shuffle8(V a, V index) { return _mm256_shuffle_epi8(a, index); }

  static V lo8(V a, V b) { return _mm256_unpacklo_epi8(a, b); }
  static V hi8(V a, V b) { return _mm256_unpackhi_epi8(a, b); }
  static V lo16(V a, V b) { return _mm256_unpacklo_epi16(a, b); }
  static V hi16(V a, V b) { return _mm256_unpackhi_epi16(a, b); }
  static V lo32(V a, V b) { return _mm256_unpacklo_epi32(a, b); }
  static V hi32(V a, V b) { return _mm256_unpackhi_epi32(a, b); }
  static V lo64(V a, V b) { return _mm256_unpacklo_epi64(a, b); }
  static V hi64(V a, V b) { return _mm256_unpackhi_epi64(a, b); }

  static V add16(V a, V b) { return _mm256_add_epi16(a, b); }
  static V sub16(V a, V b) { return _mm256_sub_epi16(a, b); }
  static V mulhi16(V a, V b) { return _mm256_mulhi_epi16(a, b); }
  static V mulhrs16(V a, V b) { return _mm256_mulhrs_epi16(a, b); }
  static V maddubs(V u, V s) { return _mm256_maddubs_epi16(u, s); }
  static V pack16(V a, V b) { return _mm256_packus_epi16(a, b); }
  template <int n>
  static V sra16(V a) {
    return _mm256_srai_epi16(a, n);
  }
  template <int n>
  static V srl16(V a) {
    return _mm256_srli_epi16(a, n);
  }

  static V add32(V a, V b) { return _mm256_add_epi32(a, b); }
  static V sub32(V a, V b) { return _mm256_sub_epi32(a, b); }
  static V mul32(V a, V b) { return _mm256_mullo_epi32(a, b); }
  static V min32(V a, V b) { return _mm256_min_epi32(a, b); }
  static V max32(V a, V b) { return _mm256_max_epi32(a, b); }
  static V abs32(V a) { return _mm256_abs_epi32(a); }
  static V gt32(V a, V b) { return _mm256_cmpgt_epi32(a, b); }
  template <int n>
  static V sll32(V a) {
    return _mm256_slli_epi32(a, n);
  }
  template <int n>
  static V srl32(V a) {
    return _mm256_srli_epi32(a, n);
  }
  template <int n>
  static V sra32(V a) {
    return _mm256_srai_epi32(a, n);
  }
  template <int q>
  static V spread32(V a) {
    return _mm256_shuffle_epi32(a, q * 0x55);
  }
  static V even32(V a, V b) { return _mm256_castps_si256(_mm256_shuffle_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), 0x88)); }
  static V odd32(V a, V b) { return _mm256_castps_si256(_mm256_shuffle_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), 0xDD)); }
  static V dot4(V sum, V u, V s) { return add32(sum, _mm256_madd_epi16(maddubs(u, s), set16(1))); }

  static V sum_step(V sum, V u, V s) { return add16(sum, maddubs(u, s)); }
  static V sum_total(V sum) { return _mm256_madd_epi16(sum, set16(1)); }

  static void shuffle16(const uint8_t* from, const uint8_t* index, uint8_t* to) {
    const __m128i order = _mm_loadu_si128(reinterpret_cast<const __m128i*>(index));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)), order));
  }

  static F setf(float x) { return _mm256_set1_ps(x); }
  static F to_float(V a) { return _mm256_cvtepi32_ps(a); }
  static V to_int(F a) { return _mm256_cvtps_epi32(a); }
  static F addf(F a, F b) { return _mm256_add_ps(a, b); }
  static F subf(F a, F b) { return _mm256_sub_ps(a, b); }
  static F mulf(F a, F b) { return _mm256_mul_ps(a, b); }
  static F divf(F a, F b) { return _mm256_div_ps(a, b); }
  static F minf(F a, F b) { return _mm256_min_ps(a, b); }
  static F maxf(F a, F b) { return _mm256_max_ps(a, b); }

  // A lane's pixels lie in three 16-byte pieces at offsets 0, kSecond and kThird, congruent to 0, 1 and 2 modulo 3. The bytes of a channel
  // then lie at positions of one residue class a piece, and the three classes differ: two blends gather a channel, a shuffle orders it.
  template <int kWidth>
  struct Pieces {
    static constexpr int kPixels = kWidth == 8 ? 16 : kWidth;
    static constexpr int kThird = 3 * kPixels - 16;
    static constexpr int kSecond = kThird >= 17 ? 16 : (kThird - 1) / 3 * 3 + 1;
    uint8_t load_order[3][16];
    uint8_t store_order[3][16];
    uint8_t second[3][16], third[3][16];  // blend masks
    constexpr Pieces() : load_order{}, store_order{}, second{}, third{} {
      for (int c = 0; c < 3; ++c) {
        for (int x = 0; x < 16; ++x) {
          const int byte = 3 * (x < kPixels ? x : kPixels - 1) + c;
          const int piece = holder(byte);
          load_order[c][x] = static_cast<uint8_t>(byte - offset(piece));
          const int from = ((c - x) % 3 + 3) % 3;  // the piece whose position x holds channel c
          second[c][x] = from == 1 ? 0xFF : 0;
          third[c][x] = from == 2 ? 0xFF : 0;
          store_order[c][x] = static_cast<uint8_t>((offset(from) + x) / 3);
        }
      }
    }
    static constexpr int offset(int piece) { return piece == 0 ? 0 : (piece == 1 ? kSecond : kThird); }
    static constexpr int holder(int byte) {  // byte = 3 pixel + channel: of the pieces that contain it, the one whose class it is in
      return byte < 16 ? 0 : (byte < kSecond + 16 ? 1 : 2);
    }
  };

  static V two(const uint8_t* p, const uint8_t* q) {
    return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))),
                                   _mm_loadu_si128(reinterpret_cast<const __m128i*>(q)), 1);
  }

  template <int kWidth>
  static void load_rgb(const uint8_t* p, V& r, V& g, V& b) {
    using P = Pieces<kWidth>;
    static constexpr P k;
    const uint8_t* q = p + 3 * P::kPixels;
    const V v0 = two(p, q), v1 = two(p + P::kSecond, q + P::kSecond), v2 = two(p + P::kThird, q + P::kThird);
    r = _mm256_blendv_epi8(_mm256_blendv_epi8(v0, v1, lanes(k.second[0])), v2, lanes(k.third[0]));
    g = _mm256_blendv_epi8(_mm256_blendv_epi8(v0, v1, lanes(k.second[1])), v2, lanes(k.third[1]));
    b = _mm256_blendv_epi8(_mm256_blendv_epi8(v0, v1, lanes(k.second[2])), v2, lanes(k.third[2]));
    r = shuffle8(r, lanes(k.load_order[0]));
    g = shuffle8(g, lanes(k.load_order[1]));
    b = shuffle8(b, lanes(k.load_order[2]));
  }

  template <int kWidth>
  static void store_rgb(uint8_t* p, V r, V g, V b) {
    using P = Pieces<kWidth>;
    static constexpr P k;
    r = shuffle8(r, lanes(k.store_order[0]));
    g = shuffle8(g, lanes(k.store_order[1]));
    b = shuffle8(b, lanes(k.store_order[2]));
    const V third_is[3] = {lanes(k.third[0]), lanes(k.third[1]), lanes(k.third[2])};
    const V second_is[3] = {lanes(k.second[0]), lanes(k.second[1]), lanes(k.second[2])};
    // Position x of piece 0 belongs to the channel c with no mask set for piece 1 or 2, and so on around.
    const V v0 = _mm256_blendv_epi8(_mm256_blendv_epi8(b, g, _mm256_cmpeq_epi8(or_(second_is[1], third_is[1]), zero())), r,
                                    _mm256_cmpeq_epi8(or_(second_is[0], third_is[0]), zero()));
    const V v1 = _mm256_blendv_epi8(_mm256_blendv_epi8(b, g, second_is[1]), r, second_is[0]);
    const V v2 = _mm256_blendv_epi8(_mm256_blendv_epi8(b, g, third_is[1]), r, third_is[0]);
    uint8_t* q = p + 3 * P::kPixels;
    put(p, q, v0);
    put(p + P::kSecond, q + P::kSecond, v1);
    put(p + P::kThird, q + P::kThird, v2);
  }

  static void put(uint8_t* p, uint8_t* q, V v) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_castsi256_si128(v));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(q), _mm256_extracti128_si256(v, 1));
  }

  static void store_zipped(uint8_t* p, V even, V odd) {
    store(p, _mm256_permute2x128_si256(even, odd, 0x20));
    store(p + 32, _mm256_permute2x128_si256(even, odd, 0x31));
  }
  static void load_zipped(const uint8_t* p, V& even, V& odd) {
    const V a = load(p), b = load(p + 32);
    even = _mm256_permute2x128_si256(a, b, 0x20);
    odd = _mm256_permute2x128_si256(a, b, 0x31);
  }
};

}  // namespace plcv::simd
