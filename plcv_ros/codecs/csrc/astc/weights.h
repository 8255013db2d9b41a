// SPDX-License-Identifier: Apache-2.0
// Stage "weights": planes of texels to grids of 2-bit codes. Vector code.
//
// A plane is filtered to the grid first, rows then columns; what maps it to weights is affine and done on the grid (luma) or was done
// before (projections on the axis between the endpoints). A code ends up in the top two bits of a byte: the value there is
// 192 * weight + 32, so that bytes' top bits are the nearest of four levels.
#pragma once

#include "astc/endpoints.h"

namespace plcv::astc {

constexpr int kWeightUnit = 192;    // byte value of weight 1, less that of weight 0
constexpr int kLeastLumaStep = 25;  // of 4 * luma between endpoints; below, the normaliser would not fit 16 bits

template <class S, int kModeIndex, Filter kFilter>
struct Weights {
  using L = Layout<S, kModeIndex>;
  using V = typename S::V;
  using F = typename S::F;
  static constexpr auto kDown = column_filter<L::kY, L::kRows, kFilter>();
  static_assert(fits_16_bits(kDown) && fits_16_bits(column_filter<L::kX, L::kColumns, kFilter>()), "a filter's sums would overflow");

  struct RowTables {
    uint8_t index[2][kTaps / 2][16];  // [place of the block in the lane]
    int8_t c[kTaps / 2][16];
    constexpr RowTables() : index{}, c{} {
      if constexpr (L::kAcross) {
        constexpr auto f = row_filter<L::kX, L::kColumns, kFilter>();
        for (int k = 0; k < kTaps / 2; ++k) {
          for (int i = 0; i < 2 * L::kColumns; ++i) {
            for (int place = 0; place < 2; ++place) index[place][k][i] = static_cast<uint8_t>(8 * place + f.first[i / 2] + 2 * k + i % 2);
            c[k][i] = static_cast<int8_t>(f.c[i / 2][2 * k + i % 2]);
          }
        }
      }
    }
  };
  static constexpr RowTables kRowTables{};

  template <int kPlace>
  static V across(V row) {
    V sum = S::maddubs(S::shuffle8(row, S::lanes(kRowTables.index[kPlace][0])), S::lanes(kRowTables.c[0]));
    for (int k = 1; k < kTaps / 2; ++k)
      sum = S::add16(sum, S::maddubs(S::shuffle8(row, S::lanes(kRowTables.index[kPlace][k])), S::lanes(kRowTables.c[k])));
    return sum;
  }

  // 64 times the grid values of every block q of a lane, rows j: grid[q][j], eight 16-bit values (of a narrower grid the first ones).
  static void filter(const V (*plane)[L::kY], V (*grid)[L::kRows]) {
    for (int g = 0; g < L::kGroups; ++g) {
      V low[L::kRows], high[L::kRows];
      PLCV_UNROLL
      for (int j = 0; j < L::kRows; ++j) low[j] = high[j] = S::zero();
      PLCV_UNROLL
      for (int k = 0; k < L::kY / 2; ++k) {
        const V a = S::lo8(plane[g][2 * k], plane[g][2 * k + 1]), b = S::hi8(plane[g][2 * k], plane[g][2 * k + 1]);
        PLCV_UNROLL
        for (int j = 0; j < L::kRows; ++j) {
          const int c0 = kDown.c[j][2 * k], c1 = kDown.c[j][2 * k + 1];
          if (c0 == 0 && c1 == 0) continue;
          const V c = S::set16((c0 & 255) | ((c1 & 255) << 8));
          low[j] = S::add16(low[j], S::maddubs(a, c));
          high[j] = S::add16(high[j], S::maddubs(b, c));
        }
      }
      PLCV_UNROLL
      for (int j = 0; j < L::kRows; ++j) {
        if constexpr (!L::kAcross) {
          grid[2 * g][j] = low[j];
          grid[2 * g + 1][j] = high[j];
        } else {
          const V row = S::pack16(S::mulhrs16(low[j], S::set16(512)), S::mulhrs16(high[j], S::set16(512)));
          if constexpr (L::kPaired) {
            grid[2 * g][j] = across<0>(row);
            grid[2 * g + 1][j] = across<1>(row);
          } else {
            grid[g][j] = across<0>(row);
          }
        }
      }
    }
  }

  static V twice16(V a) { return S::or_(S::and_(a, S::set32(0xFFFF)), S::template sll32<16>(a)); }

  // Codes from a filtered luma plane: weight = (luma - luma of e0) / (luma of e1 - luma of e0). codes[p][j]: blocks 2 p and 2 p + 1 of a lane.
  static void from_luma(const V (*grid)[L::kRows], const Endpoints<S>& ends, float bias, V (*codes)[L::kRows]) {
    const V l0 = luma4<S>(ends.e0), step = S::sub32(luma4<S>(ends.e1), l0), negative = S::gt32(S::zero(), step);
    // A grid value is 16 times four times luma; 2^16 / 16 * kWeightUnit makes of that 1/65536 of byte units.
    const V size = S::max32(S::abs32(step), S::set32(kLeastLumaStep));
    const F magnitude = S::divf(S::setf(4096.0f * kWeightUnit), S::to_float(size));
    const V normaliser = S::sub32(S::xor_(S::to_int(magnitude), negative), negative);
    // The 32 byte units below weight 0, in grid units: 16 / 6 of the step.
    const V margin = S::sub32(S::xor_(S::to_int(S::mulf(S::to_float(size), S::setf(16.0f * 32.0f / kWeightUnit))), negative), negative);
    const V base = S::sub32(S::add32(S::template sll32<4>(l0), S::set32(static_cast<int>(kFilterOne * bias))), margin);
    const V n = twice16(normaliser), b = twice16(base);
    codes_of<0>(grid, b, n, codes);
    codes_of<1>(grid, b, n, codes);
  }

  // Codes from a filtered plane of projections.
  static void from_projection(const V (*grid)[L::kRows], V (*codes)[L::kRows]) {
    PLCV_UNROLL
    for (int p = 0; p < 2; ++p) {
      PLCV_UNROLL
      for (int j = 0; j < L::kRows; ++j) codes[p][j] = S::pack16(S::template sra16<6>(grid[2 * p][j]), S::template sra16<6>(grid[2 * p + 1][j]));
    }
  }

  // Projects the texels on the axis e0 -> e1: plane = kScale * weight + offset, as bytes, saturated.
  template <int kScale>
  static void project(const V* channels, const Endpoints<S>& ends, float offset, V (*plane)[L::kY]) {
    V axis[3], size = S::zero();
    PLCV_UNROLL
    for (int c = 0; c < 3; ++c) {
      axis[c] = S::sub32(ends.e1.c[c], ends.e0.c[c]);
      size = S::add32(size, S::abs32(axis[c]));
    }
    // Coefficients of at most 104 + 1.5 in all keep every sum below within 16 bits.
    const F scale = S::divf(S::setf(104.0f), S::to_float(S::max32(size, S::set32(1))));
    V a[3], length = S::zero(), base = S::zero();
    PLCV_UNROLL
    for (int c = 0; c < 3; ++c) {
      a[c] = S::to_int(S::mulf(S::to_float(axis[c]), scale));
      length = S::add32(length, S::mul32(axis[c], a[c]));
      base = S::add32(base, S::mul32(ends.e0.c[c], a[c]));
    }
    const F l = S::to_float(S::max32(length, S::set32(800)));
    const V n = twice16(S::to_int(S::divf(S::setf(65536.0f * kScale), l)));
    const V b = twice16(S::sub32(base, S::to_int(S::mulf(l, S::setf(offset / kScale)))));
    const V rg = twice16(S::or_(S::and_(a[0], S::set32(255)), S::template sll32<8>(S::and_(a[1], S::set32(255)))));
    const V blue = twice16(S::and_(a[2], S::set32(255)));
    project_group<0>(channels, rg, blue, b, n, plane);
    project_group<1>(channels, rg, blue, b, n, plane);
    if constexpr (!L::kPaired) {
      project_group<2>(channels, rg, blue, b, n, plane);
      project_group<3>(channels, rg, blue, b, n, plane);
    }
  }

 private:
  template <int p>
  static void codes_of(const V (*grid)[L::kRows], V base, V normaliser, V (*codes)[L::kRows]) {
    const V b0 = S::template spread32<2 * p>(base), b1 = S::template spread32<2 * p + 1>(base);
    const V n0 = S::template spread32<2 * p>(normaliser), n1 = S::template spread32<2 * p + 1>(normaliser);
    PLCV_UNROLL
    for (int j = 0; j < L::kRows; ++j) {
      codes[p][j] = S::pack16(S::mulhi16(S::sub16(grid[2 * p][j], b0), n0), S::mulhi16(S::sub16(grid[2 * p + 1][j], b1), n1));
    }
  }

  template <int g>
  static void project_group(const V* channels, V rg, V blue, V base, V normaliser, V (*plane)[L::kY]) {
    constexpr int q0 = L::kPaired ? 2 * g : g, q1 = L::kPaired ? 2 * g + 1 : g;  // blocks in the halves of a lane
    const V rg0 = S::template spread32<q0>(rg), rg1 = S::template spread32<q1>(rg), b0 = S::template spread32<q0>(blue),
            b1 = S::template spread32<q1>(blue);
    const V base0 = S::template spread32<q0>(base), base1 = S::template spread32<q1>(base);
    const V n0 = S::template spread32<q0>(normaliser), n1 = S::template spread32<q1>(normaliser);
    PLCV_UNROLL
    for (int y = 0; y < L::kY; ++y) {
      const V r = channels[(0 * L::kGroups + g) * L::kY + y], gr = channels[(1 * L::kGroups + g) * L::kY + y],
              b = channels[(2 * L::kGroups + g) * L::kY + y];
      const V low = S::add16(S::maddubs(S::lo8(r, gr), rg0), S::maddubs(S::lo8(b, S::zero()), b0));
      const V high = S::add16(S::maddubs(S::hi8(r, gr), rg1), S::maddubs(S::hi8(b, S::zero()), b1));
      plane[g][y] = S::pack16(S::mulhi16(S::sub16(low, base0), n0), S::mulhi16(S::sub16(high, base1), n1));
    }
  }
};

}  // namespace plcv::astc
