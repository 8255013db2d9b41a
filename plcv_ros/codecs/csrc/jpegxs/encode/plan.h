// SPDX-License-Identifier: Apache-2.0
// Everything that is decided before the first pixel is seen: header fields, geometry, and how the encoder goes about it.
#pragma once

#include <cstdint>
#include <string>

#include "image_view.h"
#include "jpegxs/geometry.h"
#include "jpegxs/parameters.h"

namespace plcv::jpegxs::encoding {

enum class RateControl : int {
  slice,    // every slice takes exactly its share of the bytes
  picture,  // what a slice leaves unused goes to the next one
};

enum class Search : int {
  full,        // bisection over all steps of (Q, R)
  guess,       // outwards from the step of the precinct above, where it is in the same slice
  exhaustive,  // every step, and the least squared error of those that fit: the reference of the tests
};

// Bit widths Bw/Fq of the transform that the decoder is told.
enum class Precision : int { bits_20_8, bits_18_6, bits_of_sample };

struct Options {
  bool lossless = false;
  RateControl rate_control = RateControl::slice;
  Search search = Search::guess;
  Precision precision = Precision::bits_20_8;
  int levels_x = 5, levels_y = 2;  // at most; small pictures get fewer
  bool colour_transform = true;
  bool significance = true;
  bool vertical_prediction = true;
  bool raw_counts = true;
  bool uniform_quantizer = true;
  bool separate_signs = true;
  int profile = 0;
  // Gains and priorities of the bands, in order of b; none: those of the formula.
  int weights = 0;
  uint8_t gain[kMaxBands] = {}, priority[kMaxBands] = {};
};

struct Plan {
  Options options;
  Parameters parameters;
  Geometry geometry;
  int sample_shift;  // left shift of the centred samples: coefficients are those of Bw without the fraction bits Fq
  int64_t payload;   // bytes of all precincts; 0 in lossless mode

  // Bytes of the payload that belong to the precinct rows before `row`.
  int64_t share(int row) const { return payload * row / geometry.precinct_rows; }
};

// Fills `plan` for pictures of this size and format and codestreams of `bytes` bytes (ignored in lossless mode). Returns an empty string, or
// what is wrong: the value and what was expected.
std::string make_plan(int width, int height, PixelFormat format, const Options& options, int64_t bytes, Plan* plan);

// Bytes of the smallest and the largest codestream that pictures of this size can have; they do not depend on the pixels.
int64_t smallest_bytes(const Plan& plan);
int64_t largest_bytes(const Plan& plan);

}  // namespace plcv::jpegxs::encoding
