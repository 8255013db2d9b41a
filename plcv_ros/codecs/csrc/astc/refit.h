// SPDX-License-Identifier: Apache-2.0
// Stage "refit" of the preset `fine`: the best endpoints for given codes. Vector code.
//
// The codes are interpolated to texels as a decoder does it (footprints wider than 8: horizontally, then vertically, each rounded, which
// differs from the decoder's one rounding by 1/64 at most), and the line of colours against those weights is fitted.
#pragma once

#include "astc/endpoints.h"

namespace plcv::astc {

template <class S, int kModeIndex>
struct Refit {
  using L = Layout<S, kModeIndex>;
  using V = typename S::V;
  using F = typename S::F;

  static constexpr uint8_t kLevels[16] = {0, 21, 43, 64, 0, 21, 43, 64, 0, 21, 43, 64, 0, 21, 43, 64};

  // Pairs of grid columns and their shares for each texel of a row; half h has texels 8 h .. 8 h + 7, or those of the h-th of two blocks. Repeated
  // texels get weight 0.
  struct RowTables {
    uint8_t index[2][2][16];  // [place of the block in the lane][h]
    int8_t share[2][16];
    constexpr RowTables() : index{}, share{} {
      for (int h = 0; h < 2; ++h) {
        for (int i = 0; i < 16; ++i) {
          const int x = (L::kPaired ? 0 : 8 * h) + i / 2;
          if (x >= L::kX) continue;
          const int position = grid_position(x, L::kX, L::kColumns), j = position >> 4, fraction = position & 15;
          const int column = i % 2 == 0 ? j : (fraction == 0 ? j : j + 1);
          for (int place = 0; place < 2; ++place) index[place][h][i] = static_cast<uint8_t>(8 * (L::kPaired ? h : place) + column);
          share[h][i] = static_cast<int8_t>(i % 2 == 0 ? 16 - fraction : fraction);
        }
      }
    }
  };
  static constexpr RowTables kRowTables{};

  // sum_of[3]: the blocks' sums of the channels, computed where `kFirst`, else as an earlier run left them.
  template <bool kFirst>
  static Endpoints<S> run(const V* channels, const V (*codes)[L::kRows], V* sum_of) {
    constexpr int kCount = L::kX * L::kY;
    V sums[3][L::kGroups], products[3][L::kGroups], weights[L::kGroups], squares[L::kGroups];
    for (int g = 0; g < L::kGroups; ++g) {
      V level[L::kRows];
      PLCV_UNROLL
      for (int j = 0; j < L::kRows; ++j) {
        const V row = S::shuffle8(S::lanes(kLevels), S::and_(S::template srl16<6>(codes[L::kPaired ? g : g / 2][j]), S::set8(3)));
        if constexpr (!L::kAcross) {
          level[j] = row;
        } else {
          const V low = S::maddubs(S::shuffle8(row, S::lanes(kRowTables.index[g % 2][0])), S::lanes(kRowTables.share[0]));
          const V high = S::maddubs(S::shuffle8(row, S::lanes(kRowTables.index[g % 2][1])), S::lanes(kRowTables.share[1]));
          level[j] = S::pack16(S::mulhrs16(low, S::set16(2048)), S::mulhrs16(high, S::set16(2048)));
        }
      }
      V low[L::kRows - 1], high[L::kRows - 1];
      PLCV_UNROLL
      for (int j = 0; j + 1 < L::kRows; ++j) {
        low[j] = S::lo8(level[j], level[j + 1]);
        high[j] = S::hi8(level[j], level[j + 1]);
      }
      V s[3] = {S::zero(), S::zero(), S::zero()}, m[3] = {S::zero(), S::zero(), S::zero()}, sum = S::zero(), square = S::zero();
      PLCV_UNROLL
      for (int y = 0; y < L::kY; ++y) {
        const int position = grid_position(y, L::kY, L::kRows), j = position >> 4, fraction = position & 15;
        V w = level[j];
        if (fraction != 0) {
          const V share = S::set16((16 - fraction) | (fraction << 8));
          w = S::pack16(S::mulhrs16(S::maddubs(low[j], share), S::set16(2048)), S::mulhrs16(S::maddubs(high[j], share), S::set16(2048)));
        }
        PLCV_UNROLL
        for (int c = 0; c < 3; ++c) {
          const V texels = channels[(c * L::kGroups + g) * L::kY + y];
          if constexpr (kFirst) s[c] = S::sum_step(s[c], texels, L::ones());
          m[c] = S::dot4(m[c], texels, w);
        }
        sum = S::sum_step(sum, S::set8(1), w);
        square = S::dot4(square, w, w);
      }
      PLCV_UNROLL
      for (int c = 0; c < 3; ++c) {
        sums[c][g] = S::sum_total(s[c]);
        products[c][g] = m[c];
      }
      weights[g] = S::sum_total(sum);
      squares[g] = square;
    }
    const V w = L::fold_add(weights), n = S::set32(kCount);
    const V variance = S::sub32(S::mul32(n, L::fold_add(squares)), S::mul32(w, w));
    V covariance[3];
    F mean[3];
    PLCV_UNROLL
    for (int c = 0; c < 3; ++c) {
      if constexpr (kFirst) sum_of[c] = L::fold_add(sums[c]);
      const V sum = sum_of[c];
      covariance[c] = S::sub32(S::mul32(n, L::fold_add(products[c])), S::mul32(w, sum));
      mean[c] = S::mulf(S::to_float(sum), S::setf(1.0f / kCount));
    }
    const F inverse = S::divf(S::setf(1.0f), S::to_float(S::max32(variance, S::set32(1))));
    const F mean_weight = S::mulf(S::to_float(w), S::setf(1.0f / kCount));
    return line_at<S, L::kMode.colour_levels>(mean, covariance, inverse, S::subf(S::setf(0.0f), mean_weight), S::subf(S::setf(64.0f), mean_weight));
  }
};

}  // namespace plcv::astc
