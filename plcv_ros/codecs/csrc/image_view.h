// SPDX-License-Identifier: Apache-2.0
// An image in memory as the encoders see it: where it starts, how far rows are apart, how pixels are laid out.
#pragma once

#include <cstddef>
#include <cstdint>

namespace plcv {

enum class PixelFormat : int { rgb8, bgr8, rgba8, bgra8, mono8 };

constexpr int bytes_per_pixel(PixelFormat format) {
  return format == PixelFormat::mono8 ? 1 : (format == PixelFormat::rgb8 || format == PixelFormat::bgr8 ? 3 : 4);
}

// Pixel (x, y) starts at data + y * row_stride + x * bytes_per_pixel(format); row_stride may be negative or zero.
struct ImageView {
  const uint8_t* data;
  std::ptrdiff_t row_stride;
  int width;
  int height;
  PixelFormat format;
};

}  // namespace plcv
