// SPDX-License-Identifier: Apache-2.0
#include "jpegxs/decode/output.h"

#include <algorithm>

namespace plcv::jpegxs::decoding {
namespace {

Scaling scaling_of(const Parameters& p, int component) {
  const int shift = p.wavelet_bits - p.component[component].depth;
  return {(1 << (p.wavelet_bits - 1)) + (shift > 0 ? 1 << (shift - 1) : 0), shift, p.component[component].depth};
}

// Output scaling with a non-linear transform (NLT segment).
int nonlinear_sample(const Nonlinearity& n, int64_t v, int wavelet_bits, int depth) {
  const int z = 2 * wavelet_bits - depth;
  const int64_t u = v + (int64_t{1} << (wavelet_bits - 1)), largest = (int64_t{1} << wavelet_bits) - 1, half = int64_t{1} << (z - 1);
  int64_t s;
  if (n.type == 1) {
    const int64_t t = std::clamp<int64_t>(u, 0, largest);
    s = ((t * t + half) >> z) + n.dco;
  } else {
    const int e = wavelet_bits - n.e;
    const int64_t t1 = n.t1, t2 = n.t2, step = int64_t{1} << (e - 1), scale = int64_t{1} << e, b2 = t1 * t1;
    int64_t y;
    if (u < t1) {
      const int64_t t = std::clamp<int64_t>(t1 + step - u, 0, largest);
      y = b2 + t1 * scale + step * step - t * t;
    } else if (u < t2) {
      y = u * scale + b2;
    } else {
      const int64_t t = std::clamp<int64_t>(u - (t2 - step), 0, largest);
      y = b2 + t2 * scale - step * step + t * t;
    }
    s = (y + half) >> z;
  }
  return static_cast<int>(std::clamp<int64_t>(s, 0, (int64_t{1} << depth) - 1));
}

constexpr ColourMatrix kFullRange = {0, 65536, 91881, 22554, 46802, 116130};
constexpr ColourMatrix kLimitedRange = {16, 76309, 104597, 25675, 53279, 132201};

uint8_t clamp8(int value) { return static_cast<uint8_t>(std::clamp(value, 0, 255)); }

}  // namespace

LineWriter::LineWriter(const Kernels& kernels, const Codestream& codestream, const Destination& destination)
    : kernels_(kernels), parameters_(codestream.parameters), geometry_(codestream.geometry), destination_(destination) {
  const std::size_t width = static_cast<std::size_t>(parameters_.width + kLineAlign);
  for (int c = 0; c < parameters_.components; ++c) {
    scaling_[c] = scaling_of(parameters_, c);
    if (parameters_.colour_transform) rgb_[c] = Scratch<int32_t>(width);
    narrow_[c] = Scratch<uint8_t>(width);
  }
  wide_ = Scratch<uint16_t>(width);
}

void LineWriter::write(int y, const int32_t* const* lines) {
  const Destination& d = destination_;
  const bool plain = parameters_.nonlinearity.type == 0 && parameters_.colour_transform;
  if (d.pixels && plain && scaling_[0].depth == 8 && scaling_[1].depth == 8 && scaling_[2].depth == 8) {
    kernels_.rct_to_rgb8(lines[0], lines[1], lines[2], parameters_.width, scaling_[0], d.start[0] + y * d.stride[0]);
    return;
  }
  const int32_t* transformed[kMaxComponents];
  if (parameters_.colour_transform) {
    kernels_.inverse_rct(lines[0], lines[1], lines[2], parameters_.width, rgb_[0].data(), rgb_[1].data(), rgb_[2].data());
    for (int c = 0; c < kMaxComponents; ++c) transformed[c] = rgb_[c].data();
    lines = transformed;
  }
  if (d.pixels) {
    write_pixels(y, lines);
  } else {
    write_planes(y, lines);
  }
}

void LineWriter::samples(int component, const int32_t* line, uint16_t* out) const {
  const int n = geometry_.component_width[component];
  if (parameters_.nonlinearity.type == 0) {
    kernels_.scale16(line, n, scaling_[component], out);
    return;
  }
  for (int x = 0; x < n; ++x) {
    out[x] = static_cast<uint16_t>(nonlinear_sample(parameters_.nonlinearity, line[x], parameters_.wavelet_bits, scaling_[component].depth));
  }
}

const uint8_t* LineWriter::samples8(int component, const int32_t* line) {
  const int n = geometry_.component_width[component], depth = scaling_[component].depth;
  uint8_t* out = narrow_[component].data();
  if (depth == 8 && parameters_.nonlinearity.type == 0) {
    kernels_.scale8(line, n, scaling_[component], out);
    return out;
  }
  samples(component, line, wide_.data());
  const int shift = depth - 8, half = shift > 0 ? 1 << (shift - 1) : 0;
  for (int x = 0; x < n; ++x) out[x] = static_cast<uint8_t>(std::min((wide_.data()[x] + half) >> shift, 255));
  return out;
}

void LineWriter::write_planes(int y, const int32_t* const* lines) {
  for (int c = 0; c < parameters_.components; ++c) {
    const int sy = parameters_.component[c].sy;
    if (y % sy != 0) continue;
    uint8_t* row = destination_.start[c] + y / sy * destination_.stride[c];
    if (scaling_[c].depth > 8) {
      samples(c, lines[c], reinterpret_cast<uint16_t*>(row));
    } else if (parameters_.nonlinearity.type == 0) {
      kernels_.scale8(lines[c], geometry_.component_width[c], scaling_[c], row);
    } else {
      std::copy_n(samples8(c, lines[c]), geometry_.component_width[c], row);
    }
  }
}

void LineWriter::write_pixels(int y, const int32_t* const* lines) {
  const int n = parameters_.width;
  uint8_t* row = destination_.start[0] + y * destination_.stride[0];
  const uint8_t* s[kMaxComponents];
  for (int c = 0; c < parameters_.components; ++c) s[c] = samples8(c, lines[c]);
  switch (destination_.colour) {
    case Colour::rgb:
      kernels_.interleave(s[0], s[1], s[2], n, row);
      break;
    case Colour::grey:
      kernels_.interleave(s[0], s[0], s[0], n, row);
      break;
    case Colour::grey_limited: {
      uint8_t* grey = narrow_[0].data();
      for (int x = 0; x < n; ++x) grey[x] = clamp8((kLimitedRange.y * (grey[x] - kLimitedRange.black) + (1 << 15)) >> 16);
      kernels_.interleave(grey, grey, grey, n, row);
      break;
    }
    case Colour::ycbcr:
      kernels_.ycbcr_to_rgb8(s[0], s[1], s[2], n, parameters_.component[1].sx == 2, kFullRange, row);
      break;
    case Colour::ycbcr_limited:
      kernels_.ycbcr_to_rgb8(s[0], s[1], s[2], n, parameters_.component[1].sx == 2, kLimitedRange, row);
      break;
  }
}

}  // namespace plcv::jpegxs::decoding
