// SPDX-License-Identifier: Apache-2.0
// Stage "endpoints": from sums over a block to two colours of 5 or 6 bits a channel. Vector code, one block an element.
//
// All presets fit a line through the block's colours against one number t a texel (luma, or the weights of an earlier pass): the
// least-squares line is mean + cov(colour, t) / var(t) * (t - mean t). A channel that follows t little gets a short range; a box of minima
// and maxima would give it its full range and lose every block whose channels vary in opposite directions.
#pragma once

#include "astc/layout.h"

namespace plcv::astc {

template <class S>
struct Colours {
  typename S::V c[3];
};

// Quantised endpoints and what they expand to; the sum of e1 is never below that of e0, so that no decoder contracts blue.
template <class S>
struct Endpoints {
  Colours<S> q0, q1, e0, e1;
  typename S::V swapped;  // all ones where the two changed places
};

template <class S, int kBits>
Endpoints<S> quantise(const typename S::F* first, const typename S::F* second) {
  using V = typename S::V;
  using F = typename S::F;
  Endpoints<S> p;
  const F zero = S::setf(0.0f), top = S::setf(255.0f), scale = S::setf(((1 << kBits) - 1) / 255.0f);
  PLCV_UNROLL
  for (int c = 0; c < 3; ++c) {
    p.q0.c[c] = S::to_int(S::mulf(S::minf(S::maxf(first[c], zero), top), scale));
    p.q1.c[c] = S::to_int(S::mulf(S::minf(S::maxf(second[c], zero), top), scale));
    p.e0.c[c] = S::or_(S::template sll32<8 - kBits>(p.q0.c[c]), S::template srl32<2 * kBits - 8>(p.q0.c[c]));
    p.e1.c[c] = S::or_(S::template sll32<8 - kBits>(p.q1.c[c]), S::template srl32<2 * kBits - 8>(p.q1.c[c]));
  }
  const V sum0 = S::add32(S::add32(p.e0.c[0], p.e0.c[1]), p.e0.c[2]);
  const V sum1 = S::add32(S::add32(p.e1.c[0], p.e1.c[1]), p.e1.c[2]);
  p.swapped = S::gt32(sum0, sum1);
  PLCV_UNROLL
  for (int c = 0; c < 3; ++c) {
    const V q = S::and_(S::xor_(p.q0.c[c], p.q1.c[c]), p.swapped), e = S::and_(S::xor_(p.e0.c[c], p.e1.c[c]), p.swapped);
    p.q0.c[c] = S::xor_(p.q0.c[c], q);
    p.q1.c[c] = S::xor_(p.q1.c[c], q);
    p.e0.c[c] = S::xor_(p.e0.c[c], e);
    p.e1.c[c] = S::xor_(p.e1.c[c], e);
  }
  return p;
}

// The line's colours at t0 and t1 (relative to the mean of t), from the mean colour and the slope numerator and denominator.
template <class S, int kBits>
Endpoints<S> line_at(const typename S::F* mean, const typename S::V* covariance, typename S::F inverse, typename S::F t0, typename S::F t1) {
  using F = typename S::F;
  F first[3], second[3];
  PLCV_UNROLL
  for (int c = 0; c < 3; ++c) {
    const F slope = S::mulf(S::to_float(covariance[c]), inverse);
    first[c] = S::addf(mean[c], S::mulf(slope, t0));
    second[c] = S::addf(mean[c], S::mulf(slope, t1));
  }
  return quantise<S, kBits>(first, second);
}

// r + 2 g + b: four times the luma that the encoder works with.
template <class S>
typename S::V luma4(const Colours<S>& e) {
  return S::add32(S::add32(e.c[0], e.c[1]), S::add32(e.c[1], e.c[2]));
}

// The bits in front of the weights, in two 32-bit halves. `bgr`: channels 0 and 2 were loaded in the other order.
template <class S, int kBits>
void endpoint_bits(const Endpoints<S>& p, uint32_t prefix, bool bgr, typename S::V* low, typename S::V* high) {
  const int r = bgr ? 2 : 0, b = 2 - r;
  // Six values from bit 17 on; the third of them ends in the second half, at its beginning with 5 bits each.
  constexpr int kThird = 17 + 2 * kBits, kFourth = kThird + kBits - 32;
  *low = S::or_(S::or_(S::set32(static_cast<int>(prefix)), S::template sll32<17>(p.q0.c[r])),
                S::or_(S::template sll32<17 + kBits>(p.q1.c[r]), S::template sll32<kThird>(p.q0.c[1])));
  *high = S::or_(S::template sll32<kFourth>(p.q1.c[1]),
                 S::or_(S::template sll32<kFourth + kBits>(p.q0.c[b]), S::template sll32<kFourth + 2 * kBits>(p.q1.c[b])));
  if constexpr (kFourth > 0) *high = S::or_(*high, S::template srl32<32 - kThird>(p.q0.c[1]));
}

}  // namespace plcv::astc
