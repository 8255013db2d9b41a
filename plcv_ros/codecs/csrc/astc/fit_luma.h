// SPDX-License-Identifier: Apache-2.0
// Stage "fit luma" of the preset `fast` (and the start of `fine`): loads a tile, and fits a line of colours against luma.
//
// Works on half the rows: the mean of two rows. That is cheaper, and better too, since the weight grid has five rows only and an outlier
// of one texel should not stretch the line. Luma is (r + 2 g + b) / 4.
#pragma once

#include "astc/endpoints.h"

namespace plcv::astc {

// The rounding means of this file (pavgb) round halves up, by 1/4 on average each: what that adds to a texel's luma, to a half-resolution
// colour and to a half-resolution luma.
constexpr float kLumaBias = 0.375f;
constexpr float kHalfBias = 0.25f;
constexpr float kHalfLumaBias = 0.625f;

// Share of the luma range that the endpoints stay away from its ends.
constexpr float kInset = 1.0f / 32.0f;

template <class S, int kModeIndex>
struct LumaFit {
  using L = Layout<S, kModeIndex>;
  using V = typename S::V;
  using F = typename S::F;
  V luma[L::kGroups][L::kY];

  // rows[y]: first texel of row y of the tile, rgb8; ahead[y]: the same of the rows wanted next. kKeep: also leaves the channels in `channels`
  // ([3][kGroups][kY]).
  template <bool kKeep>
  Endpoints<S> run(const uint8_t* const* rows, const uint8_t* const* ahead, V* channels) {
    constexpr int kHalf = L::kY / 2, kCount = L::kX * kHalf;
    V half[L::kGroups][kHalf][4];
    V low[L::kGroups], high[L::kGroups];
    if constexpr (L::kPaired) {
      load_group<kKeep>(rows, ahead, 0, half[0], &low[0], &high[0], channels);
      load_group<kKeep>(rows, ahead, 1, half[1], &low[1], &high[1], channels);
    } else {  // unrolled, four groups would not fit the instruction cache
      PLCV_ROLLED
      for (int g = 0; g < L::kGroups; ++g) load_group<kKeep>(rows, ahead, g, half[g], &low[g], &high[g], channels);
    }
    const V lowest = L::fold_min8(low), highest = L::fold_max8(high);
    const V middle = S::template srl32<1>(S::add32(S::add32(lowest, highest), S::set32(1)));

    V sums[4][L::kGroups], products[3][L::kGroups];
    accumulate<0>(half, middle, sums, products);
    accumulate<1>(half, middle, sums, products);
    if constexpr (!L::kPaired) {
      accumulate<2>(half, middle, sums, products);
      accumulate<3>(half, middle, sums, products);
    }
    V sum[4], covariance[3];
    PLCV_UNROLL
    for (int c = 0; c < 4; ++c) sum[c] = L::fold_add(sums[c]);
    PLCV_UNROLL
    for (int c = 0; c < 3; ++c) {
      covariance[c] = S::sub32(S::mul32(S::set32(kCount), L::fold_add(products[c])), S::mul32(sum[3], sum[c]));
    }
    // Four times the variance of luma; below a quarter of a grey level squared it is rounding noise, which must not steer chroma.
    const V variance4 = S::add32(S::add32(covariance[0], covariance[1]), S::add32(covariance[1], covariance[2]));
    const F inverse = S::divf(S::setf(4.0f), S::to_float(S::max32(variance4, S::set32(kCount * kCount))));

    F mean[3];
    PLCV_UNROLL
    for (int c = 0; c < 3; ++c) mean[c] = S::subf(S::mulf(S::to_float(sum[c]), S::setf(1.0f / kCount)), S::setf(kHalfBias));
    const V sum_luma4 = S::add32(S::add32(sum[0], sum[1]), S::add32(sum[1], sum[2]));
    const F mean_luma = S::addf(S::mulf(S::to_float(sum_luma4), S::setf(0.25f / kCount)), S::setf(kHalfLumaBias - kHalfBias));
    const F inset = S::mulf(S::to_float(S::sub32(highest, lowest)), S::setf(kInset));
    const F t0 = S::addf(S::subf(S::to_float(lowest), mean_luma), inset);
    const F t1 = S::subf(S::subf(S::to_float(highest), mean_luma), inset);
    return line_at<S, L::kMode.colour_levels>(mean, covariance, inverse, t0, t1);
  }

 private:
  // One group of a tile: luma, half-resolution channels and luma ([3]), and the extremes of the latter.
  template <bool kKeep>
  void load_group(const uint8_t* const* rows, const uint8_t* const* ahead, int g, V (*half)[4], V* low, V* high, V* channels) {
    PLCV_UNROLL
    for (int k = 0; k < L::kY / 2; ++k) {
      V a[3], b[3];
      L::fetch_ahead(ahead[2 * k] + 3 * g * L::kGroupWidth);
      L::fetch_ahead(ahead[2 * k + 1] + 3 * g * L::kGroupWidth);
      S::template load_rgb<L::kX>(rows[2 * k] + 3 * g * L::kGroupWidth, a[0], a[1], a[2]);
      S::template load_rgb<L::kX>(rows[2 * k + 1] + 3 * g * L::kGroupWidth, b[0], b[1], b[2]);
      const V ya = S::avg8(S::avg8(a[0], a[2]), a[1]), yb = S::avg8(S::avg8(b[0], b[2]), b[1]);
      luma[g][2 * k] = ya;
      luma[g][2 * k + 1] = yb;
      PLCV_UNROLL
      for (int c = 0; c < 3; ++c) {
        half[k][c] = S::avg8(a[c], b[c]);
        if constexpr (kKeep) {
          channels[(c * L::kGroups + g) * L::kY + 2 * k] = a[c];
          channels[(c * L::kGroups + g) * L::kY + 2 * k + 1] = b[c];
        }
      }
      const V y = S::avg8(ya, yb);
      half[k][3] = y;
      *low = k == 0 ? y : S::min8u(*low, y);
      *high = k == 0 ? y : S::max8u(*high, y);
    }
  }

  // Sums of the channels and of luma's deviation from the middle of its range (clamped, so that products fit), and of their products.
  template <int g, class Half>
  static void accumulate(const Half& half, V middle, V (&sums)[4][L::kGroups], V (&products)[3][L::kGroups]) {
    const V centre = L::template spread_byte<g>(middle), ones = L::ones();
    V s[4] = {S::zero(), S::zero(), S::zero(), S::zero()}, p[3] = {S::zero(), S::zero(), S::zero()};
    PLCV_UNROLL
    for (int k = 0; k < L::kY / 2; ++k) {
      const V deviation = S::min8s(S::max8s(S::sub8(half[g][k][3], centre), S::set8(-64)), S::set8(63));
      const V f = L::only_texels(deviation);
      PLCV_UNROLL
      for (int c = 0; c < 3; ++c) {
        s[c] = S::sum_step(s[c], half[g][k][c], ones);
        p[c] = S::dot4(p[c], half[g][k][c], f);
      }
      s[3] = S::sum_step(s[3], S::set8(1), f);
    }
    PLCV_UNROLL
    for (int c = 0; c < 4; ++c) sums[c][g] = S::sum_total(s[c]);
    PLCV_UNROLL
    for (int c = 0; c < 3; ++c) products[c][g] = p[c];
  }
};

}  // namespace plcv::astc
