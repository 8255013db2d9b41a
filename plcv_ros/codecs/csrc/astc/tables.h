// SPDX-License-Identifier: Apache-2.0
// Integer tables that follow from a block mode: where texels lie on the weight grid, and the filters that turn texels into grid weights.
//
// Plain arrays and constexpr arithmetic only: every instruction-set target includes this, and none may emit code of its own for it.
//
// The decoder interpolates grid weights to texels ("infill"), a matrix A with one row a texel. The encoder needs the opposite. The
// least-squares answer is A's pseudo-inverse, which costs no more than a triangle filter: only the coefficients differ. The infill is a
// product of a horizontal and a vertical part (but for the rounding of one product), hence so are the filters.
#pragma once

#include "astc/block_mode.h"

namespace plcv::astc {

constexpr int kFilterOne = 64;  // filter coefficients add up to this

enum class Filter { least_squares, triangle };

// Filters of one axis: grid weight j = sum over texels i of c[j][i] * texel i / 64.
template <int kTexels, int kGrid>
struct AxisFilter {
  int c[kGrid][kTexels];
};

namespace detail {

constexpr double absolute(double x) { return x < 0 ? -x : x; }
constexpr int nearest(double x) { return x < 0 ? -static_cast<int>(0.5 - x) : static_cast<int>(x + 0.5); }

template <int kTexels, int kGrid>
struct Matrix {
  double c[kGrid][kTexels];
};

// Transposed infill: share of grid weight j in texel i.
template <int kTexels, int kGrid>
constexpr Matrix<kTexels, kGrid> infill_transposed() {
  Matrix<kTexels, kGrid> a{};
  for (int i = 0; i < kTexels; ++i) {
    const int position = grid_position(i, kTexels, kGrid), j = position >> 4, fraction = position & 15;
    a.c[j][i] += (16 - fraction) / 16.0;
    if (fraction != 0) a.c[j + 1][i] += fraction / 16.0;
  }
  return a;
}

// (A^T A)^-1 A^T by Gauss-Jordan elimination; A has full column rank because every grid weight reaches a texel of its own.
template <int kTexels, int kGrid>
constexpr Matrix<kTexels, kGrid> pseudo_inverse() {
  const Matrix<kTexels, kGrid> at = infill_transposed<kTexels, kGrid>();
  double n[kGrid][kGrid] = {};
  Matrix<kTexels, kGrid> x = at;
  for (int j = 0; j < kGrid; ++j) {
    for (int k = 0; k < kGrid; ++k) {
      for (int i = 0; i < kTexels; ++i) n[j][k] += at.c[j][i] * at.c[k][i];
    }
  }
  for (int p = 0; p < kGrid; ++p) {  // n is positive definite: no pivoting needed
    const double inverse = 1.0 / n[p][p];
    for (int k = 0; k < kGrid; ++k) n[p][k] *= inverse;
    for (int i = 0; i < kTexels; ++i) x.c[p][i] *= inverse;
    for (int j = 0; j < kGrid; ++j) {
      if (j == p) continue;
      const double factor = n[j][p];
      for (int k = 0; k < kGrid; ++k) n[j][k] -= factor * n[p][k];
      for (int i = 0; i < kTexels; ++i) x.c[j][i] -= factor * x.c[p][i];
    }
  }
  return x;
}

// Rounds a row of coefficients, of which only those with keep[i] count, to integers whose sum is kFilterOne.
template <int kTexels>
constexpr void round_row(const double (&row)[kTexels], const bool (&keep)[kTexels], int (&out)[kTexels]) {
  double total = 0;
  for (int i = 0; i < kTexels; ++i) total += keep[i] ? row[i] : 0;
  int sum = 0, largest = 0;
  for (int i = 0; i < kTexels; ++i) {
    out[i] = keep[i] ? nearest(row[i] * kFilterOne / total) : 0;
    sum += out[i];
    if (out[i] > out[largest]) largest = i;
  }
  out[largest] += kFilterOne - sum;
}

}  // namespace detail

// Coefficients for rows of texels. They are applied two rows at a time; pairs that hardly count (below 5.5/64) are dropped.
template <int kTexels, int kGrid, Filter kFilter>
constexpr AxisFilter<kTexels, kGrid> column_filter() {
  static_assert(kTexels % 2 == 0, "rows are filtered in pairs");
  const auto exact = kFilter == Filter::triangle ? detail::infill_transposed<kTexels, kGrid>() : detail::pseudo_inverse<kTexels, kGrid>();
  AxisFilter<kTexels, kGrid> f{};
  for (int j = 0; j < kGrid; ++j) {
    bool keep[kTexels] = {};
    for (int i = 0; i < kTexels; i += 2) {
      keep[i] = keep[i + 1] = kFilter == Filter::triangle || detail::absolute(exact.c[j][i]) + detail::absolute(exact.c[j][i + 1]) > 5.5 / kFilterOne;
    }
    detail::round_row(exact.c[j], keep, f.c[j]);
  }
  return f;
}

// Whether sums of bytes times these coefficients stay within 16 bits, however they come.
template <int kTexels, int kGrid>
constexpr bool fits_16_bits(const AxisFilter<kTexels, kGrid>& f) {
  for (int j = 0; j < kGrid; ++j) {
    int up = 0, down = 0;
    for (int i = 0; i < kTexels; ++i) (f.c[j][i] < 0 ? down : up) += f.c[j][i];
    if (up > 128 || down < -128) return false;
  }
  return true;
}

// Coefficients for the texels of one row: at most kTaps neighbours each, starting at first[j].
constexpr int kTaps = 6;

template <int kTexels, int kGrid>
struct RowFilter {
  int first[kGrid];
  int c[kGrid][kTaps];
};

template <int kTexels, int kGrid, Filter kFilter>
constexpr RowFilter<kTexels, kGrid> row_filter() {
  const auto exact = kFilter == Filter::triangle ? detail::infill_transposed<kTexels, kGrid>() : detail::pseudo_inverse<kTexels, kGrid>();
  RowFilter<kTexels, kGrid> f{};
  for (int j = 0; j < kGrid; ++j) {
    double best = -1;
    for (int first = 0; first + kTaps <= kTexels; ++first) {
      double energy = 0;
      for (int k = 0; k < kTaps; ++k) energy += exact.c[j][first + k] * exact.c[j][first + k];
      if (energy > best) {
        best = energy;
        f.first[j] = first;
      }
    }
    bool keep[kTexels] = {};
    for (int k = 0; k < kTaps; ++k) keep[f.first[j] + k] = true;
    int all[kTexels] = {};
    detail::round_row(exact.c[j], keep, all);
    for (int k = 0; k < kTaps; ++k) f.c[j][k] = all[f.first[j] + k];
  }
  return f;
}

}  // namespace plcv::astc
