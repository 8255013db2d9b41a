// SPDX-License-Identifier: Apache-2.0
// The loops over samples and code groups, one table of functions an instruction set (kernels_*.cpp). Everything that decides anything is in
// the drivers, once. The bytes are the same on every target; kernels_scalar.cpp is the reference that says what each function does.
#pragma once

#include <cstddef>
#include <cstdint>

#include "image_view.h"
#include "jpegxs/parameters.h"
#include "simd/targets.h"

namespace plcv::jpegxs::encoding {

// Vector kernels work on whole vectors: lines are followed by this many bytes that may be read and written.
constexpr int kLineSlack = 128;
// Code groups of a line are padded to a multiple of this, with coefficients and counts of zero.
constexpr int kGroupBlock = 64;

// A line of samples, its even ones first, as the horizontal transform wants them.
struct SplitLine {
  int16_t* even;
  int16_t* odd;
};

// How pixels become samples: centred on zero, then shifted left by `shift`; with the RCT, the components are Y, Cb, Cr.
struct Loading {
  PixelFormat format;
  bool colour_transform;
  int shift;
  std::ptrdiff_t ahead;  // bytes to the pixels that will be wanted later, to be fetched into the cache meanwhile
};

// One line of one band of a precinct, as costs and packets see it.
struct BandLine {
  const int16_t* coefficients;
  const uint8_t* planes;  // M of every group
  const uint8_t* maxima;  // largest M of every significance group
  const uint8_t* above;   // M of the line above (vertical prediction)
  int groups;
  int truncation;        // T
  int truncation_above;  // T of the line above
  int mode;              // D: 1 vertical prediction, 2 significance flags
};

constexpr int kPrediction = 1;
constexpr int kSignificance = 2;

// What a line costs with zero prediction at one truncation T.
struct LineSums {
  int planes;  // sum of max(M - T, 0)
  int groups;  // groups with M > T
  int coded;   // groups in significance groups with a maximum > T
};

// Bits of the counts of a line with vertical prediction.
struct PredictedSums {
  int all;    // without significance flags
  int coded;  // groups in significant significance groups only
};

struct Quantizer {
  bool uniform;
  bool separate_signs;
};

struct Kernels {
  // Pixels [0, width) of a row to one split line a component.
  void (*load)(const uint8_t* pixels, const Loading& loading, int width, const SplitLine* lines);
  // out = middle - ((a + b) >> 1), saturating.
  void (*predict)(const int16_t* a, const int16_t* middle, const int16_t* b, int n, int16_t* out);
  // out = middle + ((a + b + 2) >> 2), saturating.
  void (*update)(const int16_t* middle, const int16_t* a, const int16_t* b, int n, int16_t* out);
  // Both at once, for vertical pairs: high = predict(top, middle, bottom), low = update(top, high_above, high).
  void (*lift)(const int16_t* top, const int16_t* middle, const int16_t* bottom, const int16_t* high_above, int n, int16_t* high, int16_t* low);
  // Samples in order to a split line.
  void (*split)(const int16_t* in, int n, SplitLine out);
  // M of `groups` groups (a multiple of kGroupBlock) and of their significance groups. Magnitudes above 2^14 - 1 become that, in place.
  void (*count_planes)(int16_t* coefficients, int groups, uint8_t* planes, uint8_t* maxima);
  LineSums (*line_sums)(const BandLine& line);
  PredictedSums (*predicted_sums)(const BandLine& line);
  // Coefficients whose quantization index is not zero.
  int (*count_nonzero)(const BandLine& line, bool uniform);
  // The sub-packets of the lines of a packet; each returns its end, padded with zero bits to a byte. They may write kLineSlack bytes more.
  uint8_t* (*pack_flags)(const BandLine* lines, int count, uint8_t* out);
  uint8_t* (*pack_counts)(const BandLine* lines, int count, uint8_t* out);
  uint8_t* (*pack_raw_counts)(const BandLine* lines, int count, uint8_t* out);
  // Data, and, where they are separate, signs. `scratch` has room for kScratchPerGroup bytes a group of the lines.
  uint8_t* (*pack_data)(const BandLine* lines, int count, Quantizer quantizer, uint8_t* out, uint8_t* signs, uint8_t** signs_end, uint8_t* scratch);
};

constexpr int kScratchPerGroup = 16;

// The kernels of a target that this machine can run.
const Kernels& kernels_for(simd::Target target);

// Each of these exists where the compiler can build it.
const Kernels& kernels_scalar();
const Kernels& kernels_avx2();
const Kernels& kernels_avx512();
const Kernels& kernels_neon();

}  // namespace plcv::jpegxs::encoding
