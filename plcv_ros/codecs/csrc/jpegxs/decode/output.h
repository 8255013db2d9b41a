// SPDX-License-Identifier: Apache-2.0
// From lines of the inverse wavelet transform to what the caller gets: planes of samples, or packed pixels.
#pragma once

#include <cstddef>
#include <cstdint>

#include "jpegxs/decode/codestream.h"
#include "jpegxs/decode/kernels.h"
#include "jpegxs/decode/scratch.h"

namespace plcv::jpegxs::decoding {

// What the components of a codestream are. YCbCr is that of BT.601.
enum class Colour : int { grey, grey_limited, rgb, ycbcr, ycbcr_limited };
constexpr int kColours = 5;

struct Destination {
  bool pixels;                            // packed rgb8 in place of planes
  Colour colour;                          // of the components, for pixels
  uint8_t* start[kMaxComponents];         // planes: uint8 for 8 bits, else uint16 in this machine's byte order; pixels: only the first
  std::ptrdiff_t stride[kMaxComponents];  // bytes from row to row
};

class LineWriter {
 public:
  LineWriter(const Kernels& kernels, const Codestream& codestream, const Destination& destination);

  // Writes row y of the picture's grid; lines[c] is the line of component c that belongs to it, y / sy.
  void write(int y, const int32_t* const* lines);

 private:
  void write_planes(int y, const int32_t* const* lines);
  void write_pixels(int y, const int32_t* const* lines);
  void samples(int component, const int32_t* line, uint16_t* out) const;
  const uint8_t* samples8(int component, const int32_t* line);

  const Kernels& kernels_;
  const Parameters& parameters_;
  const Geometry& geometry_;
  const Destination& destination_;
  Scaling scaling_[kMaxComponents];
  Scratch<int32_t> rgb_[kMaxComponents];
  Scratch<uint16_t> wide_;
  Scratch<uint8_t> narrow_[kMaxComponents];
};

}  // namespace plcv::jpegxs::decoding
