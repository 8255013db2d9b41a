// SPDX-License-Identifier: Apache-2.0
// Stage "endpoints": from sums over a block to two colours of 32 or 80 levels a channel. Vector code, one block an element.
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

template <class S>
typename S::V select(typename S::V mask, typename S::V yes, typename S::V no) {
  return S::xor_(no, S::and_(S::xor_(yes, no), mask));
}

// 80 levels are a quint and four bits each (Khronos Data Format, ASTC, endpoint unquantisation): the lower half of the levels counts up in quints,
// then in the upper three bits; the fourth bit mirrors it. Level q below 40 has the bits q / 5 and the quint q - 5 (q / 5).
template <class S>
typename S::V upper_bits(typename S::V q) {
  return S::template srl32<10>(S::mul32(q, S::set32(205)));
}
template <class S>
typename S::V quint_of(typename S::V q, typename S::V bits) {
  return S::sub32(q, S::add32(S::template sll32<2>(bits), bits));
}
template <class S>
typename S::V value_of(typename S::V bits, typename S::V quint) {
  const typename S::V sum = S::add32(S::mul32(quint, S::set32(13)), S::add32(S::template sll32<6>(bits), S::template srl32<1>(bits)));
  return S::template srl32<2>(sum);
}

// The 8-bit value of level q of kLevels, the lowest first; 32 levels are 5 bits repeated.
template <class S, int kLevels>
typename S::V expand(typename S::V q) {
  static_assert(kLevels == 32 || kLevels == 80, "other ranges unquantise differently");
  if constexpr (kLevels == 32) {
    return S::or_(S::template sll32<3>(q), S::template srl32<2>(q));
  } else {
    using V = typename S::V;
    const V low = S::min32(q, S::sub32(S::set32(79), q)), bits = upper_bits<S>(low), value = value_of<S>(bits, quint_of<S>(low, bits));
    return select<S>(S::gt32(q, S::set32(39)), S::sub32(S::set32(255), value), value);
  }
}

template <class S, int kLevels>
Endpoints<S> quantise(const typename S::F* first, const typename S::F* second) {
  using V = typename S::V;
  using F = typename S::F;
  Endpoints<S> p;
  const F zero = S::setf(0.0f), top = S::setf(255.0f), scale = S::setf((kLevels - 1) / 255.0f);
  PLCV_UNROLL
  for (int c = 0; c < 3; ++c) {
    p.q0.c[c] = S::to_int(S::mulf(S::minf(S::maxf(first[c], zero), top), scale));
    p.q1.c[c] = S::to_int(S::mulf(S::minf(S::maxf(second[c], zero), top), scale));
    p.e0.c[c] = expand<S, kLevels>(p.q0.c[c]);
    p.e1.c[c] = expand<S, kLevels>(p.q1.c[c]);
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
template <class S, int kLevels>
Endpoints<S> line_at(const typename S::F* mean, const typename S::V* covariance, typename S::F inverse, typename S::F t0, typename S::F t1) {
  using F = typename S::F;
  F first[3], second[3];
  PLCV_UNROLL
  for (int c = 0; c < 3; ++c) {
    const F slope = S::mulf(S::to_float(covariance[c]), inverse);
    first[c] = S::addf(mean[c], S::mulf(slope, t0));
    second[c] = S::addf(mean[c], S::mulf(slope, t1));
  }
  return quantise<S, kLevels>(first, second);
}

// r + 2 g + b: four times the luma that the encoder works with.
template <class S>
typename S::V luma4(const Colours<S>& e) {
  return S::add32(S::add32(e.c[0], e.c[1]), S::add32(e.c[1], e.c[2]));
}

// Three quints to the 7 bits that stand for them (Khronos Data Format, ASTC, integer sequence encoding, read backwards).
template <class S>
typename S::V quint_bits(typename S::V d0, typename S::V d1, typename S::V d2) {
  using V = typename S::V;
  const V three = S::set32(3), four0 = S::gt32(d0, three), four1 = S::gt32(d1, three), four2 = S::gt32(d2, three), six = S::set32(6);
  const V two = select<S>(four1, S::or_(S::set32(5), S::template sll32<3>(d0)), S::or_(d0, S::template sll32<3>(d1)));
  const V usual = S::or_(two, S::template sll32<5>(d2));
  const V last_four = S::or_(S::or_(six, S::and_(two, S::set32(25))), S::template sll32<4>(S::and_(S::xor_(two, six), six)));
  const V first_fours = select<S>(four2, S::set32(7), S::or_(six, S::template sll32<3>(d2)));
  return select<S>(S::and_(four0, four1), first_fours, select<S>(four2, last_four, usual));
}

// Three levels of 80 as 19 bits: four bits of each, and between them those of their quints.
template <class S>
typename S::V three_of_80(typename S::V q0, typename S::V q1, typename S::V q2) {
  using V = typename S::V;
  const V q[3] = {q0, q1, q2};
  V bits[3], quint[3];
  PLCV_UNROLL
  for (int k = 0; k < 3; ++k) {
    const V low = S::min32(q[k], S::sub32(S::set32(79), q[k])), upper = upper_bits<S>(low);
    quint[k] = quint_of<S>(low, upper);
    bits[k] = S::or_(S::template sll32<1>(upper), S::and_(S::gt32(q[k], S::set32(39)), S::set32(1)));
  }
  const V quints = quint_bits<S>(quint[0], quint[1], quint[2]);
  const V first = S::or_(bits[0], S::template sll32<4>(S::and_(quints, S::set32(7))));
  const V second = S::or_(S::template sll32<7>(bits[1]), S::template sll32<8>(S::and_(quints, S::set32(24))));
  const V third = S::or_(S::template sll32<13>(bits[2]), S::template sll32<12>(S::and_(quints, S::set32(96))));
  return S::or_(S::or_(first, second), third);
}

// The bits in front of the weights, in two 32-bit halves. `bgr`: channels 0 and 2 were loaded in the other order.
template <class S, int kLevels>
void endpoint_bits(const Endpoints<S>& p, uint32_t prefix, bool bgr, typename S::V* low, typename S::V* high) {
  using V = typename S::V;
  const int r = bgr ? 2 : 0, b = 2 - r;
  const V head = S::set32(static_cast<int>(prefix));
  if constexpr (kLevels == 32) {
    *low = S::or_(S::or_(head, S::template sll32<17>(p.q0.c[r])), S::or_(S::template sll32<22>(p.q1.c[r]), S::template sll32<27>(p.q0.c[1])));
    *high = S::or_(p.q1.c[1], S::or_(S::template sll32<5>(p.q0.c[b]), S::template sll32<10>(p.q1.c[b])));
  } else {
    const V first = three_of_80<S>(p.q0.c[r], p.q1.c[r], p.q0.c[1]), second = three_of_80<S>(p.q1.c[1], p.q0.c[b], p.q1.c[b]);
    *low = S::or_(head, S::template sll32<17>(first));
    *high = S::or_(S::template srl32<15>(first), S::template sll32<4>(second));
  }
}

}  // namespace plcv::astc
