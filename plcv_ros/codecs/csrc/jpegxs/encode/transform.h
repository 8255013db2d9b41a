// SPDX-License-Identifier: Apache-2.0
// Pixels to the lines of all bands, one precinct row after the other: loading, colour transform, 5/3 transform, bit-plane counts.
#pragma once

#include <cstdint>
#include <vector>

#include "image_view.h"
#include "jpegxs/encode/kernels.h"
#include "jpegxs/encode/plan.h"

namespace plcv::jpegxs::encoding {

// Lines of a band that are kept: those of a precinct, the one above, and one that the transform makes ahead of time.
constexpr int kKeptLines = 4;

struct KeptLine {
  int16_t* coefficients;
  uint8_t* planes;
  uint8_t* maxima;
};

class Transform {
 public:
  // Its buffers lie in `memory`, which grows where it is too small and outlives the transform: a thread hands in the same one again.
  Transform(const Kernels& kernels, const Plan& plan, const ImageView& image, std::vector<uint8_t>* memory);

  // Prepares for `precinct_row` being the first one wanted: what lies above is transformed as far as it matters.
  void start(int precinct_row);

  // Makes all lines of this precinct row; rows follow one another.
  void produce(int precinct_row);

  // Line `row` of band b: of the precinct row last produced, or the last line of the one above.
  const KeptLine& line(int b, int row) const { return kept_[b][row % kKeptLines]; }

 private:
  void allocate(std::vector<uint8_t>* memory);
  int band(int component, int beta) const { return plan_.geometry.band_index[component][beta]; }
  int high_low_beta(int level) const;
  void make_rows(int level, int last);
  void load_row(int row);
  void analyse_pair(int level, int pair);
  void analyse_line(int component, int level, SplitLine in, int high_band, int row, int16_t* low);
  void analyse_further(int component, int level, int row);
  void finish_line(int b, int row);

  const Kernels& kernels_;
  const Plan& plan_;
  const ImageView image_;
  int vertical_, horizontal_;                            // levels
  int width_[kMaxComponents][kMaxHorizontalLevels + 1];  // of the low-pass signal after so many levels
  int height_[kMaxVerticalLevels + 1];
  int half_[kMaxComponents][kMaxVerticalLevels + 1];  // from the even part of a split line to the odd one
  int padded_groups_[kMaxBands];
  KeptLine kept_[kMaxBands][kKeptLines];
  int16_t* rows_[kMaxVerticalLevels + 1][kMaxComponents][kKeptLines];  // input of each vertical level, split
  int16_t* high_[kMaxVerticalLevels][kMaxComponents][2];               // vertical high-pass lines, split
  int16_t* low_[kMaxComponents];                                       // a vertical low-pass line, split
  int16_t* smooth_;                                                    // a horizontal low-pass line, in order
  SplitLine split_;                                                    // the same, split
  int next_row_[kMaxVerticalLevels + 1];                               // next row of each level's input
  int first_pair_[kMaxVerticalLevels];                                 // first pair of rows since start()
};

}  // namespace plcv::jpegxs::encoding
