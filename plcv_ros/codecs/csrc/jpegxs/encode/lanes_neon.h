// SPDX-License-Identifier: Apache-2.0
// Operations of the encoder's kernels beyond those of simd/vec_neon.h. Where bytes or words are gathered, they stay in order.
#pragma once

#include <arm_neon.h>

#include <cstdint>

#include "simd/vec_neon.h"

namespace plcv::jpegxs::encoding {

struct NeonLanes : simd::Neon {
  static constexpr int kBytes = 16;

  static V adds16(V a, V b) { return v(vqaddq_s16(s16(a), s16(b))); }
  static V subs16(V a, V b) { return v(vqsubq_s16(s16(a), s16(b))); }
  static V abs16(V a) { return v(vabsq_s16(s16(a))); }
  static V min16(V a, V b) { return v(vminq_s16(s16(a), s16(b))); }
  static V max16(V a, V b) { return v(vmaxq_s16(s16(a), s16(b))); }
  static V gt16(V a, V b) { return v(vcgtq_s16(s16(a), s16(b))); }
  static V mullo16(V a, V b) { return v(vmulq_s16(s16(a), s16(b))); }
  static V sll16(V a, int n) { return v(vshlq_s16(s16(a), vdupq_n_s16(static_cast<int16_t>(n)))); }
  static V srl16(V a, int n) { return v(vshlq_u16(u16(a), vdupq_n_s16(static_cast<int16_t>(-n)))); }
  using simd::Neon::srl16;
  static V add8(V a, V b) { return vaddq_u8(a, b); }
  static V subs8u(V a, V b) { return vqsubq_u8(a, b); }
  static V equal8(V a, V b) { return vceqq_u8(a, b); }
  // Bytes of b where the mask has ones, else of a.
  static V select(V a, V b, V mask) { return vbslq_u8(mask, b, a); }
  static V set64(uint64_t x) { return v(vdupq_n_u64(x)); }
  template <int n>
  static V sll64(V a) {
    return v(vshlq_n_u64(u64(a), n));
  }
  template <int n>
  static V srl64(V a) {
    return v(vshrq_n_u64(u64(a), n));
  }
  static V sllv32(V a, V n) { return v(vshlq_u32(u32(a), s32(n))); }
  static V sllv64(V a, V n) { return v(vshlq_u64(u64(a), vreinterpretq_s64_u8(n))); }
  static V add64(V a, V b) { return v(vaddq_u64(u64(a), u64(b))); }
  // The sum of each 8 bytes, in 64 bits.
  static V sums8(V a) { return v(vpaddlq_u32(vpaddlq_u16(vpaddlq_u8(a)))); }

  // Words of a and b that have no more than 8 bits, as bytes.
  static V narrow16(V a, V b) { return vuzp1q_u8(a, b); }
  // Even and odd words of a and b.
  static void split16(V a, V b, V& even, V& odd) {
    even = v(vuzp1q_u16(u16(a), u16(b)));
    odd = v(vuzp2q_u16(u16(a), u16(b)));
  }
  // Bytes in such an order that interleaving them within lanes (lo8, then lo16 and lo32 with themselves) gives vectors in order.
  static V before_spreading(V a) { return a; }
};

}  // namespace plcv::jpegxs::encoding
