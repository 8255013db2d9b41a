// SPDX-License-Identifier: Apache-2.0
#include "astc/encode.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "astc/header.h"
#include "astc/repack.h"
#include "worker_pool.h"

namespace plcv::astc {
namespace {

constexpr int kMaxTileWidth = kMaxTileBlocks * 12;
constexpr int kBandRows = 4;  // block rows that a thread takes at once

void encode_block_row(const Kernels& kernels, const ImageView& image, int mode_index, Preset preset, int row, uint8_t* out) {
  const BlockMode& mode = kBlockModes[mode_index];
  const auto kernel = kernels.mode[mode_index].encode[static_cast<int>(preset)];
  const int tile_width = kernels.tile_blocks * mode.block_x, pixel = bytes_per_pixel(image.format);
  const bool direct = pixel == 3, bgr = image.format == PixelFormat::bgr8 || image.format == PixelFormat::bgra8;
  const uint8_t *rows[kMaxBlockY], *ahead[kMaxBlockY];
  for (int y = 0; y < mode.block_y; ++y) {
    const int top = row * mode.block_y + y;
    rows[y] = image.data + std::min(top, image.height - 1) * image.row_stride;
    ahead[y] = image.data + std::min(top + mode.block_y, image.height - 1) * image.row_stride;
  }

  const int whole = direct ? image.width / tile_width : 0;
  if (whole > 0) kernel(rows, ahead, whole, bgr, out);

  // The rest, and images whose pixels are not three bytes: tile by tile through a buffer, in which the last column is repeated.
  alignas(64) uint8_t buffer[kMaxBlockY][kMaxTileWidth * 3 + kRepackSlack];
  uint8_t blocks[kMaxTileBlocks * kBlockBytes];
  const uint8_t* copied[kMaxBlockY];
  for (int y = 0; y < mode.block_y; ++y) copied[y] = buffer[y];
  for (int x = whole * tile_width; x < image.width; x += tile_width) {
    const int present = std::min(tile_width, image.width - x), count = (present + mode.block_x - 1) / mode.block_x;
    for (int y = 0; y < mode.block_y; ++y) {
      const std::ptrdiff_t offset = static_cast<std::ptrdiff_t>(x) * pixel;
      kernels.repack(rows[y] + offset, ahead[y] + offset, pixel, present, buffer[y]);
      const uint8_t* last = buffer[y] + 3 * (present - 1);
      for (int i = present; i < tile_width; ++i) std::memcpy(buffer[y] + 3 * i, last, 3);
    }
    uint8_t* target = out + static_cast<std::ptrdiff_t>(x / mode.block_x) * kBlockBytes;
    if (count == kernels.tile_blocks) {
      kernel(copied, copied, 1, bgr, target);
    } else {
      kernel(copied, copied, 1, bgr, blocks);
      std::memcpy(target, blocks, static_cast<std::size_t>(count * kBlockBytes));
    }
  }
}

}  // namespace

void encode(const Kernels& kernels, const ImageView& image, int mode_index, Preset preset, int threads, uint8_t* out) {
  const BlockMode& mode = kBlockModes[mode_index];
  const Header header{mode.block_x, mode.block_y, image.width, image.height};
  write_header(header, out);
  uint8_t* blocks = out + kHeaderBytes;
  const int rows = static_cast<int>(header.blocks_y());
  const std::ptrdiff_t row_bytes = static_cast<std::ptrdiff_t>(header.blocks_x()) * kBlockBytes;
  parallel_for((rows + kBandRows - 1) / kBandRows, threads, [&](int band) {
    for (int row = band * kBandRows; row < std::min(rows, (band + 1) * kBandRows); ++row) {
      encode_block_row(kernels, image, mode_index, preset, row, blocks + row * row_bytes);
    }
  });
}

}  // namespace plcv::astc
