// SPDX-License-Identifier: Apache-2.0
#include "jpegxs/encode/transform.h"

#include <algorithm>
#include <cstring>

#include "scratch_poison.h"

namespace plcv::jpegxs::encoding {
namespace {

constexpr int kVector = 64;      // samples; lines start at multiples of it
constexpr int kRowsAhead = 4;    // rows from the one that is loaded to the one that is fetched into the cache
constexpr int kLeadBytes = 128;  // before a line of coefficients: room for the mirrored one

int round_up(int n, int unit) { return (n + unit - 1) / unit * unit; }

}  // namespace

Transform::Transform(const Kernels& kernels, const Plan& plan, const ImageView& image, std::vector<uint8_t>* memory)
    : kernels_(kernels), plan_(plan), image_(image), vertical_(plan.parameters.levels_y), horizontal_(plan.parameters.levels_x) {
  const Geometry& g = plan.geometry;
  for (int c = 0; c < plan.parameters.components; ++c) {
    width_[c][0] = g.component_width[c];
    for (int level = 0; level < horizontal_; ++level) width_[c][level + 1] = (width_[c][level] + 1) / 2;
    // One sample more than the even part has, for the mirrored one.
    for (int level = 0; level <= vertical_; ++level) half_[c][level] = round_up((width_[c][level] + 1) / 2 + 1, kVector);
  }
  height_[0] = plan.parameters.height;
  for (int level = 0; level < vertical_; ++level) height_[level + 1] = (height_[level] + 1) / 2;
  for (int b = 0; b < g.bands; ++b) padded_groups_[b] = round_up((g.band[b].width + kGroupSize - 1) / kGroupSize, kGroupBlock);
  allocate(memory);
}

void Transform::allocate(std::vector<uint8_t>* memory) {
  std::size_t used = 0;
  uint8_t* base = nullptr;
  const auto take = [&](std::size_t bytes) {
    uint8_t* at = base + used;
    const std::size_t usable = bytes + kLineSlack, taken = (usable + 63) / 64 * 64 + kRedZone;
    if (base != nullptr) forbid_scratch(at + usable, taken - usable);
    used += taken;
    return at;
  };
  const auto take_line = [&](int samples) { return reinterpret_cast<int16_t*>(take(2 * static_cast<std::size_t>(samples))); };
  const auto take_all = [&] {
    used = 0;
    for (int b = 0; b < plan_.geometry.bands; ++b) {
      for (KeptLine& line : kept_[b]) {
        line.coefficients = reinterpret_cast<int16_t*>(take(kLeadBytes + 8 * static_cast<std::size_t>(padded_groups_[b])) + kLeadBytes);
        line.planes = take(static_cast<std::size_t>(padded_groups_[b]));
        line.maxima = take(static_cast<std::size_t>(padded_groups_[b] / kSignificanceGroupSize));
      }
    }
    int widest = 0;
    for (int c = 0; c < plan_.parameters.components; ++c) {
      widest = std::max(widest, 2 * half_[c][0]);
      for (int level = 0; level <= vertical_; ++level) {
        for (int16_t*& row : rows_[level][c]) row = take_line(2 * half_[c][level]);
        for (int i = 0; i < 2 && level < vertical_; ++i) high_[level][c][i] = take_line(2 * half_[c][level]);
      }
      low_[c] = take_line(2 * half_[c][0]);
    }
    smooth_ = take_line(widest);
    split_ = {take_line(widest), take_line(widest)};
  };
  take_all();
  allow_scratch(memory->data(), memory->size());
  if (memory->size() < used + 64) memory->assign(used + 64, 0);
  fill_scratch(memory->data(), memory->size());
  base = memory->data() + (64 - reinterpret_cast<std::uintptr_t>(memory->data()) % 64) % 64;
  take_all();
}

int Transform::high_low_beta(int level) const {
  return level > vertical_ ? horizontal_ + 1 - level : horizontal_ - vertical_ + 1 + 3 * (vertical_ - level);
}

void Transform::start(int precinct_row) {
  next_row_[0] = precinct_row;
  if (vertical_ == 0) return;
  // A low-pass line needs the high-pass lines above and below it: each level begins one pair of rows early, and its first low-pass line is void.
  int pair = std::max(precinct_row - 1, 0);
  for (int level = vertical_ - 1; level >= 0; --level) {
    first_pair_[level] = pair;
    next_row_[level + 1] = pair;
    next_row_[level] = 2 * pair;
    pair = std::max(2 * pair - 1, 0);
  }
  // The void line of the last level belongs to the precinct row above.
  if (precinct_row > 0) produce(precinct_row - 1);
}

void Transform::produce(int precinct_row) {
  if (vertical_ > 0) {
    analyse_pair(vertical_ - 1, precinct_row);
    return;
  }
  make_rows(0, precinct_row);
  for (int c = 0; c < plan_.parameters.components; ++c) {
    int16_t* even = rows_[0][c][precinct_row % kKeptLines];
    int16_t* low = horizontal_ == 1 ? kept_[band(c, 0)][precinct_row % kKeptLines].coefficients : smooth_;
    analyse_line(c, 0, {even, even + half_[c][0]}, band(c, high_low_beta(1)), precinct_row, low);
    analyse_further(c, 1, precinct_row);
  }
}

// Makes the rows that a vertical level reads, up to row `last`.
void Transform::make_rows(int level, int last) {
  for (int& row = next_row_[level]; row <= last;) {
    if (level == 0) {
      load_row(row++);
    } else {
      analyse_pair(level - 1, row++);
    }
  }
}

void Transform::load_row(int row) {
  SplitLine lines[kMaxComponents];
  for (int c = 0; c < plan_.parameters.components; ++c) {
    int16_t* even = rows_[0][c][row % kKeptLines];
    lines[c] = {even, even + half_[c][0]};
  }
  const int ahead = std::min(row + kRowsAhead, image_.height - 1) - row;
  const Loading loading = {image_.format, plan_.parameters.colour_transform, plan_.sample_shift, ahead * image_.row_stride};
  kernels_.load(image_.data + row * image_.row_stride, loading, image_.width, lines);
}

// Rows 2 pair and 2 pair + 1 of a level to a low-pass and a high-pass line, and these to bands.
void Transform::analyse_pair(int level, int pair) {
  const int rows = height_[level], top = 2 * pair;
  make_rows(level, std::min(top + 2, rows - 1));
  const int betas = high_low_beta(level + 1);
  for (int c = 0; c < plan_.parameters.components; ++c) {
    const auto row = [&](int r) { return rows_[level][c][r % kKeptLines]; };
    const int half = half_[c][level], n = 2 * half;
    int16_t* high = high_[level][c][pair % 2];
    const int16_t* high_above = high_[level][c][(pair + 1) % 2];
    const bool has_high = top + 1 < rows;
    const int16_t* below = row(top + 2 < rows ? top + 2 : top);
    if (!has_high) {
      kernels_.update(row(top), high_above, high_above, n, low_[c]);
    } else if (pair == first_pair_[level]) {
      kernels_.predict(row(top), row(top + 1), below, n, high);
      kernels_.update(row(top), high, high, n, low_[c]);
    } else {
      kernels_.lift(row(top), row(top + 1), below, high_above, n, high, low_[c]);
    }

    const bool last_split = level + 1 == horizontal_;
    int16_t* low = last_split ? kept_[band(c, 0)][pair % kKeptLines].coefficients : smooth_;
    analyse_line(c, level, {low_[c], low_[c] + half}, band(c, betas), pair, low);
    if (level + 1 == vertical_) {
      analyse_further(c, level + 1, pair);
    } else {
      int16_t* even = rows_[level + 1][c][pair % kKeptLines];
      kernels_.split(smooth_, width_[c][level + 1], {even, even + half_[c][level + 1]});
    }
    if (has_high) {
      const int low_high = band(c, betas + 1);
      analyse_line(c, level, {high, high + half}, band(c, betas + 2), pair, kept_[low_high][pair % kKeptLines].coefficients);
      finish_line(low_high, pair);
    }
  }
}

// One horizontal split: the high-pass part becomes line `row` of `high_band`, the low-pass part goes to `low`.
void Transform::analyse_line(int c, int level, SplitLine in, int high_band, int row, int16_t* low) {
  const int n = width_[c][level], lows = (n + 1) / 2, highs = n / 2;
  int16_t* high = kept_[high_band][row % kKeptLines].coefficients;
  if (n % 2 == 0) in.even[lows] = in.even[lows - 1];
  kernels_.predict(in.even, in.odd, in.even + 1, highs, high);
  high[-1] = high[0];
  if (n % 2 != 0) high[highs] = high[highs - 1];
  kernels_.update(in.even, high - 1, high, lows, low);
  finish_line(high_band, row);
}

// The levels that are split horizontally only, from the low-pass line in smooth_.
void Transform::analyse_further(int c, int level, int row) {
  const int low_low = band(c, 0);
  for (; level < horizontal_; ++level) {
    kernels_.split(smooth_, width_[c][level], split_);
    int16_t* low = level + 1 == horizontal_ ? kept_[low_low][row % kKeptLines].coefficients : smooth_;
    analyse_line(c, level, split_, band(c, high_low_beta(level + 1)), row, low);
  }
  finish_line(low_low, row);
}

// Zeros behind the last coefficient, and the counts.
void Transform::finish_line(int b, int row) {
  const KeptLine& line = kept_[b][row % kKeptLines];
  const int width = plan_.geometry.band[b].width, padded = kGroupSize * padded_groups_[b];
  std::memset(line.coefficients + width, 0, 2 * static_cast<std::size_t>(padded - width));
  kernels_.count_planes(line.coefficients, padded_groups_[b], line.planes, line.maxima);
}

}  // namespace plcv::jpegxs::encoding
