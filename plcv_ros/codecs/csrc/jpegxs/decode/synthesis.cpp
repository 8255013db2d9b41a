// SPDX-License-Identifier: Apache-2.0
#include "jpegxs/decode/synthesis.h"

namespace plcv::jpegxs::decoding {

Synthesis::Synthesis(const Kernels& kernels, const Codestream& codestream, const CoefficientLayout& layout, int component)
    : kernels_(kernels), layout_(layout), fraction_bits_(codestream.parameters.fraction_bits) {
  const Parameters& p = codestream.parameters;
  const Geometry& g = codestream.geometry;
  levels_x_ = p.levels_x;
  levels_y_ = g.component_levels_y[component];
  width_[0] = g.component_width[component];
  for (int level = 1; level <= levels_x_; ++level) width_[level] = (width_[level - 1] + 1) / 2;
  height_[0] = g.component_height[component];
  for (int level = 1; level <= levels_y_; ++level) height_[level] = (height_[level - 1] + 1) / 2;

  const int* bands = g.band_index[component];
  lowest_band_ = bands[0];
  for (int level = 1; level <= levels_x_; ++level) {
    const bool both_ways = level <= p.levels_y;
    const int beta = both_ways ? p.levels_x - p.levels_y + 3 * (p.levels_y - level) + 1 : p.levels_x - level + 1;
    for (int kind = kHL; kind <= kHH; ++kind) band_[level][kind] = kind == kHL || both_ways ? bands[beta + kind] : -1;
  }

  const auto line_of = [this](int level) { return Scratch<int32_t>(static_cast<std::size_t>(width_[level] + kLineAlign)); };
  for (auto& line : rows_) line = line_of(levels_y_);
  for (auto& line : ring_) line = line_of(0);
  for (int v = 1; v <= levels_y_; ++v) {
    Level& level = level_[v];
    level.low = line_of(v - 1);
    for (auto& line : level.high) line = line_of(v - 1);
    if (v == 1) continue;  // its rows go to the ring
    for (auto& line : level.even) line = line_of(v - 1);
    level.odd = line_of(v - 1);
  }
  start(0);
}

void Synthesis::start(int row) {
  row_ = row;
  complete_ = row << levels_y_;
  for (Level& level : level_) level.started = false;
}

const int16_t* Synthesis::coefficients(int level, Kind kind, int row) const {
  const int shift = levels_y_ - level, line = row & ((1 << shift) - 1);
  return (row >> shift == row_ ? current_ : before_) + layout_.start[band_[level][kind]][line];
}

void Synthesis::push(const int16_t* coefficients_of_row, const int16_t* before) {
  current_ = coefficients_of_row;
  before_ = before;
  const int32_t* low = nullptr;
  for (int level = levels_x_; level > levels_y_; --level) {
    int32_t* out = level == 1 ? ring_[row_ % kRing].data() : rows_[level & 1].data();
    const int16_t* high = current_ + layout_.start[band_[level][kHL]][0];
    if (low == nullptr) {
      kernels_.horizontal16(current_ + layout_.start[lowest_band_][0], high, width_[level - 1], fraction_bits_, out);
    } else {
      kernels_.horizontal(low, high, width_[level - 1], fraction_bits_, out);
    }
    low = out;
  }
  if (levels_y_ == 0) {
    complete_ = row_ + 1;
  } else {
    step(levels_y_, row_, low);
  }
  ++row_;
}

void Synthesis::step(int v, int k, const int32_t* low) {
  Level& level = level_[v];
  const int n = width_[v - 1], height = height_[v - 1];
  const bool has_high = k < height / 2, first = !level.started;
  level.started = true;
  const int16_t* horizontal_high = coefficients(v, kHL, k);
  if (low == nullptr) {
    kernels_.horizontal16(current_ + layout_.start[lowest_band_][0], horizontal_high, n, fraction_bits_, level.low.data());
  } else {
    kernels_.horizontal(low, horizontal_high, n, fraction_bits_, level.low.data());
  }
  int32_t *high = level.high[k & 1].data(), *high_above = level.high[(k - 1) & 1].data();
  if (has_high) kernels_.horizontal16(coefficients(v, kLH, k), coefficients(v, kHH, k), n, fraction_bits_, high);

  const auto row = [&](int y) { return v == 1 ? ring_[y % kRing].data() : (y & 1) != 0 ? level.odd.data() : level.even[(y >> 1) & 1].data(); };
  const auto emit = [&](int y) {
    if (v == 1) {
      complete_ = y + 1;
    } else {
      step(v - 1, y, row(y));
    }
  };
  if (first) {
    kernels_.vertical_even(level.low.data(), high, high, n, row(2 * k));
  } else {
    kernels_.vertical(level.low.data(), high_above, has_high ? high : high_above, row(2 * k - 2), n, row(2 * k), row(2 * k - 1));
    emit(2 * k - 1);
  }
  emit(2 * k);
  if (2 * k + 2 == height) {
    kernels_.vertical_odd(high, row(2 * k), row(2 * k), n, row(2 * k + 1));
    emit(2 * k + 1);
  }
}

}  // namespace plcv::jpegxs::decoding
