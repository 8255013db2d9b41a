// SPDX-License-Identifier: Apache-2.0
// The instruction-set targets of the decoder and what each offers. One source file a target (kernels_*.cpp) fills a table; everything that
// is not per code word, coefficient or sample is done by the rest. What comes out is the same on every target.
#pragma once

#include <cstddef>
#include <cstdint>

#include "simd/targets.h"

namespace plcv::jpegxs::decoding {

// Buffers given to kernels can be read this many bytes beyond what counts, and band lines written to the next multiple of kLineAlign.
constexpr int kReadAhead = 64;
constexpr int kLineAlign = 64;

// Bit-plane counts of one band line in one precinct, from unary code words.
struct CountsJob {
  uint8_t* counts;        // in: those of the line above, for vertical prediction; out: this line's, zeros up to the next multiple of 64
  int groups;             // code groups of the line
  const uint8_t* values;  // code words, one for each coded group
  const uint8_t* flags;   // significance flags, or null where the band has none
  int64_t first_flag;     // bit of the first one
  int truncation;         // T
  int truncation_above;   // T of the line above
  bool vertical;          // vertical prediction
  int run_mode;           // Rm
};

// Coefficients of one band line in one precinct.
struct CoefficientsJob {
  int16_t* coefficients;  // out; written in whole significance groups
  const uint8_t* counts;
  int groups;
  int truncation;
  bool uniform;         // Qpih
  bool separate_signs;  // Fs
  const uint8_t* data;
  int64_t nibble;  // in data; in: the first one, out: behind the last one
  const uint8_t* signs;
  int64_t sign;  // bit in signs; in: the first one, out: behind the last one
};

// From values of the transform domain to samples of `depth` bits: (v + offset) >> shift, clamped.
struct Scaling {
  int32_t offset;
  int shift;
  int depth;
};

// From Y, Cb, Cr to R = y Y + r Cr, G = y Y - gb Cb - gr Cr, B = y Y + b Cb, with coefficients times 2^16 and Y above the level of black.
struct ColourMatrix {
  int black, y, r, gb, gr, b;
};

struct Kernels {
  // The first `count` unary code words in `bytes` bytes: their values. False where one does not end within them or is longer than 31 ones.
  bool (*unary)(const uint8_t* data, int64_t bytes, int64_t count, uint8_t* values);
  // Counts of four bits each, from nibble `first` on; zeros up to the next multiple of 64.
  void (*raw_counts)(const uint8_t* data, int64_t first, int groups, uint8_t* counts);
  // Returns the number of code words used, or -1 where a count is above 15.
  int64_t (*counts)(const CountsJob& job);
  // Nibbles that the groups take in the data sub-packet.
  int64_t (*data_nibbles)(const uint8_t* counts, int groups, int truncation, bool separate_signs);
  void (*coefficients)(CoefficientsJob* job);

  // Lines of the wavelet transform (5/3, reversible). n: samples written.
  // Horizontal synthesis of n >= 2 samples from low and high; coefficients come without their fraction bits. `out` does not overlap.
  void (*horizontal)(const int32_t* low, const int16_t* high, int n, int fraction_bits, int32_t* out);
  void (*horizontal16)(const int16_t* low, const int16_t* high, int n, int fraction_bits, int32_t* out);
  // Vertical synthesis: an even row from its low row and the high rows above and below, an odd one from its high row and the even rows.
  void (*vertical_even)(const int32_t* low, const int32_t* high_above, const int32_t* high_below, int n, int32_t* even);
  void (*vertical_odd)(const int32_t* high, const int32_t* even_above, const int32_t* even_below, int n, int32_t* odd);
  // Both at once: an even row, and the odd row above it, between `even_above` and it.
  void (*vertical)(const int32_t* low, const int32_t* high_above, const int32_t* high_below, const int32_t* even_above, int n, int32_t* even,
                   int32_t* odd_above);

  // Lines of samples.
  // The inverse RCT. Outputs may not overlap inputs.
  void (*inverse_rct)(const int32_t* y, const int32_t* cb, const int32_t* cr, int n, int32_t* r, int32_t* g, int32_t* b);
  void (*scale8)(const int32_t* line, int n, const Scaling& scaling, uint8_t* out);
  void (*scale16)(const int32_t* line, int n, const Scaling& scaling, uint16_t* out);
  // Three lines of 8-bit samples to n packed pixels.
  void (*interleave)(const uint8_t* r, const uint8_t* g, const uint8_t* b, int n, uint8_t* rgb);
  // The inverse RCT, scaling to 8 bits and interleaving at once; scaling.depth is 8.
  void (*rct_to_rgb8)(const int32_t* y, const int32_t* cb, const int32_t* cr, int n, const Scaling& scaling, uint8_t* rgb);
  // Lines of 8-bit luma and colour differences (as many, or, where `halved`, one for two pixels) to n packed pixels, rounded and clamped.
  void (*ycbcr_to_rgb8)(const uint8_t* y, const uint8_t* cb, const uint8_t* cr, int n, bool halved, const ColourMatrix& matrix, uint8_t* rgb);
};

// The kernels of a target that this machine can run.
const Kernels& kernels_for(simd::Target target);

// Each of these exists where the compiler can build it.
const Kernels& kernels_scalar();
const Kernels& kernels_avx2();
const Kernels& kernels_avx512();
const Kernels& kernels_neon();

}  // namespace plcv::jpegxs::decoding
