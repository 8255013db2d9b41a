// SPDX-License-Identifier: Apache-2.0
// The inverse wavelet transform of one component, precinct row by precinct row: it keeps the few lines that the next row needs.
#pragma once

#include <cstdint>

#include "jpegxs/decode/codestream.h"
#include "jpegxs/decode/kernels.h"
#include "jpegxs/decode/precinct.h"
#include "jpegxs/decode/scratch.h"

namespace plcv::jpegxs::decoding {

class Synthesis {
 public:
  Synthesis(const Kernels& kernels, const Codestream& codestream, const CoefficientLayout& layout, int component);

  // The next precinct row to come is `row`, as if it were the picture's first: unless it is, the lines of that row come out wrong, the
  // others do not.
  void start(int row);

  // Takes the coefficients of the next precinct row; those of the one before must still be there.
  void push(const int16_t* coefficients, const int16_t* before);

  // Lines above this one are complete. Of each precinct row the last lines wait for the next row.
  int complete() const { return complete_; }

  // Line y of the component, one of the last kKept complete ones.
  const int32_t* line(int y) const { return ring_[y % kRing].data(); }
  static constexpr int kKept = 7;

 private:
  static constexpr int kRing = kKept + 1;

  enum Kind { kHL, kLH, kHH };

  // One level that is split both ways: takes row k of its low-pass input, gives rows 2k - 1 and 2k.
  struct Level {
    bool started;
    Scratch<int32_t> low, high[2], even[2], odd;
  };

  const int16_t* coefficients(int level, Kind kind, int row) const;
  void step(int level, int row, const int32_t* low);

  const Kernels& kernels_;
  const CoefficientLayout& layout_;
  int levels_x_, levels_y_, fraction_bits_;
  int width_[kMaxHorizontalLevels + 1], height_[kMaxVerticalLevels + 1];  // after so many splits
  int lowest_band_, band_[kMaxHorizontalLevels + 1][3];

  int row_ = 0, complete_ = 0;
  const int16_t *current_ = nullptr, *before_ = nullptr;
  Scratch<int32_t> rows_[2];  // of the levels that are split horizontally only
  Level level_[kMaxVerticalLevels + 1];
  Scratch<int32_t> ring_[kRing];
};

}  // namespace plcv::jpegxs::decoding
