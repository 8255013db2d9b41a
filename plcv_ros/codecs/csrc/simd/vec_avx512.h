// SPDX-License-Identifier: Apache-2.0
// Four 128-bit lanes: AVX-512 F, BW, VL, DQ, VBMI and VNNI (Ice Lake, Zen 4 and later). See vec_avx2.h for the meaning of the operations.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace plcv::simd {

struct Avx512 {
  static constexpr int kLanes = 4;
  using V = __m512i;
  using F = __m512;

  static V load(const void* p) { return _mm512_loadu_si512(p); }
  static void store(void* p, V v) { _mm512_storeu_si512(p, v); }
  static V lanes(const void* p) { return _mm512_broadcast_i32x4(_mm_loadu_si128(static_cast<const __m128i*>(p))); }
  static V zero() { return _mm512_setzero_si512(); }
  static V set8(int x) { return _mm512_set1_epi8(static_cast<char>(x)); }
  static V set16(int x) { return _mm512_set1_epi16(static_cast<short>(x)); }
  static V set32(int x) { return _mm512_set1_epi32(x); }

  static V and_(V a, V b) { return _mm512_and_si512(a, b); }
  static V or_(V a, V b) { return _mm512_or_si512(a, b); }
  static V xor_(V a, V b) { return _mm512_xor_si512(a, b); }
  static bool any(V a) { return _mm512_test_epi8_mask(a, a) != 0; }

  static V avg8(V a, V b) { return _mm512_avg_epu8(a, b); }
  static V sub8(V a, V b) { return _mm512_sub_epi8(a, b); }
  static V min8u(V a, V b) { return _mm512_min_epu8(a, b); }
  static V max8u(V a, V b) { return _mm512_max_epu8(a, b); }
  static V min8s(V a, V b) { return _mm512_min_epi8(a, b); }
  static V max8s(V a, V b) { return _mm512_max_epi8(a, b); }
  static V shuffle8(V a, V index) { return _mm512_shuffle_epi8(a, index); }

  static V lo8(V a, V b) { return _mm512_unpacklo_epi8(a, b); }
  static V hi8(V a, V b) { return _mm512_unpackhi_epi8(a, b); }
  static V lo16(V a, V b) { return _mm512_unpacklo_epi16(a, b); }
  static V hi16(V a, V b) { return _mm512_unpackhi_epi16(a, b); }
  static V lo32(V a, V b) { return _mm512_unpacklo_epi32(a, b); }
  static V hi32(V a, V b) { return _mm512_unpackhi_epi32(a, b); }
  static V lo64(V a, V b) { return _mm512_unpacklo_epi64(a, b); }
  static V hi64(V a, V b) { return _mm512_unpackhi_epi64(a, b); }

  static V add16(V a, V b) { return _mm512_add_epi16(a, b); }
  static V sub16(V a, V b) { return _mm512_sub_epi16(a, b); }
  static V mulhi16(V a, V b) { return _mm512_mulhi_epi16(a, b); }
  static V mulhrs16(V a, V b) { return _mm512_mulhrs_epi16(a, b); }
  static V maddubs(V u, V s) { return _mm512_maddubs_epi16(u, s); }
  static V pack16(V a, V b) { return _mm512_packus_epi16(a, b); }
  template <int n>
  static V sra16(V a) {
    return _mm512_srai_epi16(a, n);
  }
  template <int n>
  static V srl16(V a) {
    return _mm512_srli_epi16(a, n);
  }

  static V add32(V a, V b) { return _mm512_add_epi32(a, b); }
  static V sub32(V a, V b) { return _mm512_sub_epi32(a, b); }
  static V mul32(V a, V b) { return _mm512_mullo_epi32(a, b); }
  static V min32(V a, V b) { return _mm512_min_epi32(a, b); }
  static V max32(V a, V b) { return _mm512_max_epi32(a, b); }
  static V abs32(V a) { return _mm512_abs_epi32(a); }
  static V gt32(V a, V b) { return _mm512_movm_epi32(_mm512_cmpgt_epi32_mask(a, b)); }
  template <int n>
  static V sll32(V a) {
    return _mm512_slli_epi32(a, n);
  }
  template <int n>
  static V srl32(V a) {
    return _mm512_srli_epi32(a, n);
  }
  template <int n>
  static V sra32(V a) {
    return _mm512_srai_epi32(a, n);
  }
  template <int q>
  static V spread32(V a) {
    return _mm512_shuffle_epi32(a, static_cast<_MM_PERM_ENUM>(q * 0x55));
  }
  static V even32(V a, V b) { return _mm512_castps_si512(_mm512_shuffle_ps(_mm512_castsi512_ps(a), _mm512_castsi512_ps(b), 0x88)); }
  static V odd32(V a, V b) { return _mm512_castps_si512(_mm512_shuffle_ps(_mm512_castsi512_ps(a), _mm512_castsi512_ps(b), 0xDD)); }
  static V dot4(V sum, V u, V s) { return _mm512_dpbusd_epi32(sum, u, s); }

  static V sum_step(V sum, V u, V s) { return dot4(sum, u, s); }
  static V sum_total(V sum) { return sum; }

  static void shuffle16(const uint8_t* from, const uint8_t* index, uint8_t* to) {
    const __m128i order = _mm_loadu_si128(reinterpret_cast<const __m128i*>(index));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)), order));
  }

  static F setf(float x) { return _mm512_set1_ps(x); }
  static F to_float(V a) { return _mm512_cvtepi32_ps(a); }
  static V to_int(F a) { return _mm512_cvtps_epi32(a); }
  static F addf(F a, F b) { return _mm512_add_ps(a, b); }
  static F subf(F a, F b) { return _mm512_sub_ps(a, b); }
  static F mulf(F a, F b) { return _mm512_mul_ps(a, b); }
  static F divf(F a, F b) { return _mm512_div_ps(a, b); }
  static F minf(F a, F b) { return _mm512_min_ps(a, b); }
  static F maxf(F a, F b) { return _mm512_max_ps(a, b); }

  // Bytes 3i + c of three consecutive vectors lie, in each vector, at positions of one residue class modulo 3, and the classes of the
  // three differ: two blends gather a channel, one permutation puts it in order.
  static constexpr uint64_t kEveryThird = 0x9249249249249249ull;  // bits 0, 3, 6, ... 63
  static constexpr __mmask64 from_second(int channel) { return kEveryThird << ((channel + 2) % 3); }
  static constexpr __mmask64 from_third(int channel) { return kEveryThird << ((channel + 1) % 3); }

  template <int kWidth>
  struct LoadOrder {
    uint8_t index[3][64];
    constexpr LoadOrder() : index{} {
      for (int c = 0; c < 3; ++c) {
        for (int i = 0; i < 64; ++i) {
          const int x = i % 16;
          const int pixel = kWidth == 8 ? i : (i / 16) * kWidth + (x < kWidth ? x : kWidth - 1);
          index[c][i] = static_cast<uint8_t>((3 * pixel + c) % 64);
        }
      }
    }
  };
  template <int kWidth>
  struct StoreOrder {
    uint8_t first[3][64];  // from r (0..63) and g (64..127)
    uint8_t third[3][64];  // from b
    uint64_t is_third[3];
    constexpr StoreOrder() : first{}, third{}, is_third{} {
      for (int v = 0; v < 3; ++v) {
        for (int i = 0; i < 64; ++i) {
          const int byte = 64 * v + i, pixel = byte / 3, channel = byte % 3;
          const int at = kWidth == 8 ? pixel : (pixel / kWidth) * 16 + pixel % kWidth;
          first[v][i] = static_cast<uint8_t>((at & 63) + (channel == 1 ? 64 : 0));
          third[v][i] = static_cast<uint8_t>(at & 63);
          if (channel == 2) is_third[v] |= uint64_t{1} << i;
        }
      }
    }
  };
  static constexpr int bytes_in(int total, int vector) { return total - 64 * vector < 0 ? 0 : (total - 64 * vector > 64 ? 64 : total - 64 * vector); }
  static constexpr __mmask64 first_bytes(int n) { return n >= 64 ? ~uint64_t{0} : (uint64_t{1} << n) - 1; }

  template <int kWidth>
  static void load_rgb(const uint8_t* p, V& r, V& g, V& b) {
    static constexpr LoadOrder<kWidth> kOrder;
    constexpr int kBytes = 3 * (kWidth == 8 ? 64 : 4 * kWidth);
    const V v0 = load(p);
    const V v1 = bytes_in(kBytes, 1) == 64 ? load(p + 64) : _mm512_maskz_loadu_epi8(first_bytes(bytes_in(kBytes, 1)), p + 64);
    const V v2 = bytes_in(kBytes, 2) == 64  ? load(p + 128)
                 : bytes_in(kBytes, 2) == 0 ? zero()
                                            : _mm512_maskz_loadu_epi8(first_bytes(bytes_in(kBytes, 2)), p + 128);
    r = _mm512_mask_blend_epi8(from_third(0), _mm512_mask_blend_epi8(from_second(0), v0, v1), v2);
    g = _mm512_mask_blend_epi8(from_third(1), _mm512_mask_blend_epi8(from_second(1), v0, v1), v2);
    b = _mm512_mask_blend_epi8(from_third(2), _mm512_mask_blend_epi8(from_second(2), v0, v1), v2);
    r = _mm512_permutexvar_epi8(load(kOrder.index[0]), r);
    g = _mm512_permutexvar_epi8(load(kOrder.index[1]), g);
    b = _mm512_permutexvar_epi8(load(kOrder.index[2]), b);
  }

  template <int kWidth>
  static void store_rgb(uint8_t* p, V r, V g, V b) {
    static constexpr StoreOrder<kWidth> kOrder;
    constexpr int kBytes = 3 * (kWidth == 8 ? 64 : 4 * kWidth);
    for (int v = 0; v < 3; ++v) {
      const int n = bytes_in(kBytes, v);
      if (n == 0) continue;
      const V rg = _mm512_permutex2var_epi8(r, load(kOrder.first[v]), g);
      const V rgb = _mm512_mask_permutexvar_epi8(rg, kOrder.is_third[v], load(kOrder.third[v]), b);
      if (n == 64) {
        store(p + 64 * v, rgb);
      } else {
        _mm512_mask_storeu_epi8(p + 64 * v, first_bytes(n), rgb);
      }
    }
  }

  static void store_zipped(uint8_t* p, V even, V odd) {
    store(p, _mm512_permutex2var_epi64(even, _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11), odd));
    store(p + 64, _mm512_permutex2var_epi64(even, _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15), odd));
  }
  static void load_zipped(const uint8_t* p, V& even, V& odd) {
    const V a = load(p), b = load(p + 64);
    even = _mm512_shuffle_i64x2(a, b, 0x88);
    odd = _mm512_shuffle_i64x2(a, b, 0xDD);
  }
};

}  // namespace plcv::simd
