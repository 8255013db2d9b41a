// SPDX-License-Identifier: Apache-2.0
// One 128-bit lane: AArch64 NEON. See vec_avx2.h for the meaning of the operations.
#pragma once

#include <arm_neon.h>

#include <cstdint>

namespace plcv::simd {

struct Neon {
  static constexpr int kLanes = 1;
  using V = uint8x16_t;
  using F = float32x4_t;

  static int8x16_t s8(V v) { return vreinterpretq_s8_u8(v); }
  static int16x8_t s16(V v) { return vreinterpretq_s16_u8(v); }
  static int32x4_t s32(V v) { return vreinterpretq_s32_u8(v); }
  static uint16x8_t u16(V v) { return vreinterpretq_u16_u8(v); }
  static uint32x4_t u32(V v) { return vreinterpretq_u32_u8(v); }
  static uint64x2_t u64(V v) { return vreinterpretq_u64_u8(v); }
  static V v(int8x16_t x) { return vreinterpretq_u8_s8(x); }
  static V v(int16x8_t x) { return vreinterpretq_u8_s16(x); }
  static V v(int32x4_t x) { return vreinterpretq_u8_s32(x); }
  static V v(uint16x8_t x) { return vreinterpretq_u8_u16(x); }
  static V v(uint32x4_t x) { return vreinterpretq_u8_u32(x); }
  static V v(uint64x2_t x) { return vreinterpretq_u8_u64(x); }

  static V load(const void* p) { return vld1q_u8(static_cast<const uint8_t*>(p)); }
  static void store(void* p, V a) { vst1q_u8(static_cast<uint8_t*>(p), a); }
  static V lanes(const void* p) { return load(p); }
  static V zero() { return vdupq_n_u8(0); }
  static V set8(int x) { return vdupq_n_u8(static_cast<uint8_t>(x)); }
  static V set16(int x) { return v(vdupq_n_s16(static_cast<int16_t>(x))); }
  static V set32(int x) { return v(vdupq_n_s32(x)); }

  static V and_(V a, V b) { return vandq_u8(a, b); }
  static V or_(V a, V b) { return vorrq_u8(a, b); }
  static V xor_(V a, V b) { return veorq_u8(a, b); }
  static bool any(V a) { return vmaxvq_u8(a) != 0; }

  static V avg8(V a, V b) { return vrhaddq_u8(a, b); }
  static V sub8(V a, V b) { return vsubq_u8(a, b); }
  static V min8u(V a, V b) { return vminq_u8(a, b); }
  static V max8u(V a, V b) { return vmaxq_u8(a, b); }
  static V min8s(V a, V b) { return v(vminq_s8(s8(a), s8(b))); }
  static V max8s(V a, V b) { return v(vmaxq_s8(s8(a), s8(b))); }
  static V shuffle8(V a, V index) { return vqtbl1q_u8(a, index); }  // indices with the top bit set give 0 here too

  static V lo8(V a, V b) { return vzip1q_u8(a, b); }
  static V hi8(V a, V b) { return vzip2q_u8(a, b); }
  static V lo16(V a, V b) { return v(vzip1q_u16(u16(a), u16(b))); }
  static V hi16(V a, V b) { return v(vzip2q_u16(u16(a), u16(b))); }
  static V lo32(V a, V b) { return v(vzip1q_u32(u32(a), u32(b))); }
  static V hi32(V a, V b) { return v(vzip2q_u32(u32(a), u32(b))); }
  static V lo64(V a, V b) { return v(vzip1q_u64(u64(a), u64(b))); }
  static V hi64(V a, V b) { return v(vzip2q_u64(u64(a), u64(b))); }

  static V add16(V a, V b) { return v(vaddq_s16(s16(a), s16(b))); }
  static V sub16(V a, V b) { return v(vsubq_s16(s16(a), s16(b))); }
  static V mulhi16(V a, V b) {
    const int32x4_t low = vmull_s16(vget_low_s16(s16(a)), vget_low_s16(s16(b))), high = vmull_high_s16(s16(a), s16(b));
    return v(vuzp2q_s16(vreinterpretq_s16_s32(low), vreinterpretq_s16_s32(high)));
  }
  static V mulhrs16(V a, V b) { return v(vqrdmulhq_s16(s16(a), s16(b))); }  // (2 a b + 2^15) >> 16
  static V maddubs(V u, V s) {
    const int16x8_t low = vmulq_s16(vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(u))), vmovl_s8(vget_low_s8(s8(s))));
    const int16x8_t high = vmulq_s16(vreinterpretq_s16_u16(vmovl_high_u8(u)), vmovl_high_s8(s8(s)));
    return v(vpaddq_s16(low, high));
  }
  static V pack16(V a, V b) { return vqmovun_high_s16(vqmovun_s16(s16(a)), s16(b)); }
  template <int n>
  static V sra16(V a) {
    return v(vshrq_n_s16(s16(a), n));
  }
  template <int n>
  static V srl16(V a) {
    return v(vshrq_n_u16(u16(a), n));
  }

  static V add32(V a, V b) { return v(vaddq_s32(s32(a), s32(b))); }
  static V sub32(V a, V b) { return v(vsubq_s32(s32(a), s32(b))); }
  static V mul32(V a, V b) { return v(vmulq_s32(s32(a), s32(b))); }
  static V min32(V a, V b) { return v(vminq_s32(s32(a), s32(b))); }
  static V max32(V a, V b) { return v(vmaxq_s32(s32(a), s32(b))); }
  static V abs32(V a) { return v(vabsq_s32(s32(a))); }
  static V gt32(V a, V b) { return v(vcgtq_s32(s32(a), s32(b))); }
  template <int n>
  static V sll32(V a) {
    return v(vshlq_n_s32(s32(a), n));
  }
  template <int n>
  static V srl32(V a) {
    return v(vshrq_n_u32(u32(a), n));
  }
  template <int n>
  static V sra32(V a) {
    return v(vshrq_n_s32(s32(a), n));
  }
  template <int q>
  static V spread32(V a) {
    return v(vdupq_laneq_u32(u32(a), q));
  }
  static V even32(V a, V b) { return v(vuzp1q_u32(u32(a), u32(b))); }
  static V odd32(V a, V b) { return v(vuzp2q_u32(u32(a), u32(b))); }
  static V dot4(V sum, V u, V s) { return v(vpadalq_s16(s32(sum), s16(maddubs(u, s)))); }
  static V sum_step(V sum, V u, V s) { return add16(sum, maddubs(u, s)); }
  static V sum_total(V sum) { return v(vpaddlq_s16(s16(sum))); }

  static void shuffle16(const uint8_t* from, const uint8_t* index, uint8_t* to) { store(to, shuffle8(load(from), load(index))); }

  static F setf(float x) { return vdupq_n_f32(x); }
  static F to_float(V a) { return vcvtq_f32_s32(s32(a)); }
  static V to_int(F a) { return v(vcvtnq_s32_f32(a)); }
  static F addf(F a, F b) { return vaddq_f32(a, b); }
  static F subf(F a, F b) { return vsubq_f32(a, b); }
  static F mulf(F a, F b) { return vmulq_f32(a, b); }
  static F divf(F a, F b) { return vdivq_f32(a, b); }
  static F minf(F a, F b) { return vminq_f32(a, b); }
  static F maxf(F a, F b) { return vmaxq_f32(a, b); }

  // Bytes 3 i + c of 48 by table lookup; a lane of fewer pixels is read and written as three overlapping pieces, so that nothing beyond
  // it is touched.
  template <int kWidth>
  struct Order {
    static constexpr int kPixels = kWidth == 8 ? 16 : kWidth;
    static constexpr int kThird = 3 * kPixels - 16;
    static constexpr int kSecond = kThird < 16 ? kThird : 16;
    uint8_t load_index[3][16];
    uint8_t store_index[3][16];  // from r (0..15), g (16..31), b (32..47)
    constexpr Order() : load_index{}, store_index{} {
      for (int x = 0; x < 16; ++x) {
        for (int c = 0; c < 3; ++c) {
          const int byte = 3 * (x < kPixels ? x : kPixels - 1) + c;
          const int piece = byte < 16 ? 0 : (byte < kSecond + 16 ? 1 : 2);
          load_index[c][x] = static_cast<uint8_t>(16 * piece + byte - offset(piece));
          const int stored = offset(c) + x;  // c counts pieces here
          store_index[c][x] = static_cast<uint8_t>(16 * (stored % 3) + stored / 3);
        }
      }
    }
    static constexpr int offset(int piece) { return piece == 0 ? 0 : (piece == 1 ? kSecond : kThird); }
  };

  template <int kWidth>
  static void load_rgb(const uint8_t* p, V& r, V& g, V& b) {
    using O = Order<kWidth>;
    static constexpr O k;
    const uint8x16x3_t pieces = {{load(p), load(p + O::kSecond), load(p + O::kThird)}};
    r = vqtbl3q_u8(pieces, load(k.load_index[0]));
    g = vqtbl3q_u8(pieces, load(k.load_index[1]));
    b = vqtbl3q_u8(pieces, load(k.load_index[2]));
  }
  template <int kWidth>
  static void store_rgb(uint8_t* p, V r, V g, V b) {
    using O = Order<kWidth>;
    static constexpr O k;
    const uint8x16x3_t channels = {{r, g, b}};
    store(p, vqtbl3q_u8(channels, load(k.store_index[0])));
    store(p + O::kSecond, vqtbl3q_u8(channels, load(k.store_index[1])));
    store(p + O::kThird, vqtbl3q_u8(channels, load(k.store_index[2])));
  }

  static void store_zipped(uint8_t* p, V even, V odd) {
    store(p, even);
    store(p + 16, odd);
  }
  static void load_zipped(const uint8_t* p, V& even, V& odd) {
    even = load(p);
    odd = load(p + 16);
  }
};

}  // namespace plcv::simd
