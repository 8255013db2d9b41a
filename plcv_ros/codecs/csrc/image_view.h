// SPDX-License-Identifier: Apache-2.0
// An image in memory as the encoders see it: where it starts, how far rows are apart, how pixels are laid out.
#pragma once

#include <cstddef>
#include <cstdint>

namespace plcv {

// uyvy8 and yuyv8 are 4:2:2: two bytes a pixel, the colour differences shared by two pixels.
enum class PixelFormat : int { rgb8, bgr8, rgba8, bgra8, mono8, uyvy8, yuyv8 };

constexpr int bytes_per_pixel(PixelFormat format) {
  switch (format) {
    case PixelFormat::mono8:
      return 1;
    case PixelFormat::uyvy8:
    case PixelFormat::yuyv8:
      return 2;
    case PixelFormat::rgb8:
    case PixelFormat::bgr8:
      return 3;
    default:
      return 4;
  }
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
