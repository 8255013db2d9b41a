// SPDX-License-Identifier: Apache-2.0
#include "astc/encode.h"

#include <algorithm>

#include "astc/header.h"

namespace plcv::astc {
namespace {

struct Rgb {
  int c[3];
};

Rgb pixel(const ImageView& image, int x, int y) {
  x = std::min(x, image.width - 1);
  y = std::min(y, image.height - 1);
  const uint8_t* p = image.data + y * image.row_stride + x * bytes_per_pixel(image.format);
  switch (image.format) {
    case PixelFormat::mono8:
      return {{p[0], p[0], p[0]}};
    case PixelFormat::bgr8:
    case PixelFormat::bgra8:
      return {{p[2], p[1], p[0]}};
    default:
      return {{p[0], p[1], p[2]}};
  }
}

void encode_block(const ImageView& image, const BlockMode& mode, int x0, int y0, uint8_t* out) {
  int lo[3] = {255, 255, 255}, hi[3] = {0, 0, 0};
  for (int y = 0; y < mode.block_y; ++y) {
    for (int x = 0; x < mode.block_x; ++x) {
      const Rgb p = pixel(image, x0 + x, y0 + y);
      for (int c = 0; c < 3; ++c) {
        lo[c] = std::min(lo[c], p.c[c]);
        hi[c] = std::max(hi[c], p.c[c]);
      }
    }
  }
  uint64_t head = mode.prefix;
  int dot = 0;
  for (int c = 0; c < 3; ++c) {
    const int inset = (hi[c] - lo[c]) >> 5;
    const int q0 = ((lo[c] + inset) * 31 + 127) / 255, q1 = ((hi[c] - inset) * 31 + 127) / 255;
    head |= static_cast<uint64_t>(q0) << (17 + 10 * c) | static_cast<uint64_t>(q1) << (22 + 10 * c);
    lo[c] = (q0 << 3) | (q0 >> 2);
    hi[c] = (q1 << 3) | (q1 >> 2);
    dot += (hi[c] - lo[c]) * (hi[c] - lo[c]);
  }
  for (int i = 0; i < 8; ++i) out[i] = static_cast<uint8_t>(head >> (8 * i));
  for (int i = 8; i < 16; ++i) out[i] = 0;
  if (dot == 0) return;
  for (int j = 0; j < mode.grid_y; ++j) {
    for (int i = 0; i < mode.grid_x; ++i) {
      int sum = 0, total = 0;
      for (int y = 0; y < mode.block_y; ++y) {
        const int ky = 16 - std::abs(grid_position(y, mode.block_y, mode.grid_y) - 16 * j);
        if (ky <= 0) continue;
        for (int x = 0; x < mode.block_x; ++x) {
          const int kx = 16 - std::abs(grid_position(x, mode.block_x, mode.grid_x) - 16 * i);
          if (kx <= 0) continue;
          const Rgb p = pixel(image, x0 + x, y0 + y);
          int d = 0;
          for (int c = 0; c < 3; ++c) d += (p.c[c] - lo[c]) * (hi[c] - lo[c]);
          sum += kx * ky * std::clamp(255 * d / dot, 0, 255);
          total += kx * ky;
        }
      }
      const int code = (sum / total) >> 6;
      const int n = j * 8 + i, low = 127 - 2 * n, high = 126 - 2 * n;
      out[low >> 3] |= static_cast<uint8_t>((code & 1) << (low & 7));
      out[high >> 3] |= static_cast<uint8_t>((code >> 1) << (high & 7));
    }
  }
}

}  // namespace

void encode(const ImageView& image, const BlockMode& mode, Preset preset, int threads, uint8_t* out) {
  (void)threads;
  (void)preset;
  const Header header{mode.block_x, mode.block_y, image.width, image.height};
  write_header(header, out);
  out += 16;
  for (int y = 0; y < image.height; y += mode.block_y) {
    for (int x = 0; x < image.width; x += mode.block_x, out += 16) encode_block(image, mode, x, y, out);
  }
}

}  // namespace plcv::astc
