// SPDX-License-Identifier: Apache-2.0
// What the decoder's lines need beyond simd/vec_neon.h; see lanes_avx2.h for the meaning of the operations.
#pragma once

#include "simd/vec_neon.h"

namespace plcv::jpegxs::decoding {

struct LanesNeon : simd::Neon {
  static V widen(const int16_t* p) { return v(vmovl_s16(vld1_s16(p))); }
  static V shift_left(V a, int n) { return v(vshlq_s32(s32(a), vdupq_n_s32(n))); }
  static V shift_right(V a, int n) { return v(vshlq_s32(s32(a), vdupq_n_s32(-n))); }
  static V with_previous(V previous, V a) { return vextq_u8(previous, a, 12); }
  static V with_next(V a, V next) { return vextq_u8(a, next, 4); }
  static void store_alternating(int32_t* p, V even, V odd) { vst2q_s32(p, (int32x4x2_t{{s32(even), s32(odd)}})); }
  static V to_bytes(V a, V b, V c, V d) {
    const int16x8_t ab = vqmovn_high_s32(vqmovn_s32(s32(a)), s32(b)), cd = vqmovn_high_s32(vqmovn_s32(s32(c)), s32(d));
    return vqmovun_high_s16(vqmovun_s16(ab), cd);
  }
  static V to_words(V a, V b) { return v(vqmovun_high_s32(vqmovun_s32(s32(a)), s32(b))); }

  static V twice(const uint8_t* p) {
    const uint8x8_t bytes = vld1_u8(p);
    return vcombine_u8(vzip1_u8(bytes, bytes), vzip2_u8(bytes, bytes));
  }
  static V madd16(V a, V b) {
    const int32x4_t low = vmull_s16(vget_low_s16(s16(a)), vget_low_s16(s16(b))), high = vmull_high_s16(s16(a), s16(b));
    return v(vpaddq_s32(low, high));
  }
  static V pack32(V a, V b) { return v(vqmovn_high_s32(vqmovn_s32(s32(a)), s32(b))); }

  static V add8(V a, V b) { return vaddq_u8(a, b); }
  static V pair(uint64_t low, uint64_t high) { return vcombine_u8(vcreate_u8(low), vcreate_u8(high)); }
  static V mulhi16u(V a, V b) {
    const uint32x4_t low = vmull_u16(vget_low_u16(u16(a)), vget_low_u16(u16(b))), high = vmull_high_u16(u16(a), u16(b));
    return v(vuzp2q_u16(vreinterpretq_u16_u32(low), vreinterpretq_u16_u32(high)));
  }
  static V mullo16(V a, V b) { return v(vmulq_u16(u16(a), u16(b))); }
  static V sll16(V a, int n) { return v(vshlq_s16(s16(a), vdupq_n_s16(static_cast<int16_t>(n)))); }
  static V equal16(V a, V b) { return v(vceqq_u16(u16(a), u16(b))); }
};

}  // namespace plcv::jpegxs::decoding
