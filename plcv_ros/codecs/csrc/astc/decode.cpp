// SPDX-License-Identifier: Apache-2.0
#include "astc/decode.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "astc/decode_block.h"
#include "worker_pool.h"

namespace plcv::astc {
namespace {

constexpr int kMaxTileWidth = kMaxTileBlocks * 12;
constexpr int kBandRows = 4;

bool decode_block_row(const Kernels& kernels, const Header& header, int mode_index, const uint8_t* blocks, int row, uint8_t* rgb,
                      std::ptrdiff_t row_stride, uint8_t* spare_row) {
  const BlockMode& mode = kBlockModes[mode_index];
  const auto kernel = kernels.mode[mode_index].decode;
  const int tile_width = kernels.tile_blocks * mode.block_x, whole = header.width / tile_width, first = row * mode.block_y;
  const int present_rows = std::min(mode.block_y, header.height - first);
  bool pruned = true;
  if (whole > 0) {
    uint8_t* rows[kMaxBlockY];
    // Rows below the image go to one spare row, which nobody reads.
    for (int y = 0; y < mode.block_y; ++y) rows[y] = y < present_rows ? rgb + (first + y) * row_stride : spare_row;
    pruned = kernel(blocks, whole, rows);
  }
  const int x = whole * tile_width, present = header.width - x;
  if (present > 0) {
    alignas(64) uint8_t buffer[kMaxBlockY][kMaxTileWidth * 3];
    uint8_t padded[kMaxTileBlocks * kBlockBytes];
    uint8_t* rows[kMaxBlockY];
    for (int y = 0; y < mode.block_y; ++y) rows[y] = buffer[y];
    const int count = (present + mode.block_x - 1) / mode.block_x;
    const uint8_t* source = blocks + static_cast<std::ptrdiff_t>(x / mode.block_x) * kBlockBytes;
    for (int i = 0; i < kernels.tile_blocks; ++i) std::memcpy(padded + i * kBlockBytes, source + std::min(i, count - 1) * kBlockBytes, kBlockBytes);
    pruned = kernel(padded, 1, rows) && pruned;
    for (int y = 0; y < present_rows; ++y) std::memcpy(rgb + (first + y) * row_stride + 3 * x, buffer[y], static_cast<std::size_t>(3 * present));
  }
  return pruned;
}

uint32_t prefix_of(const uint8_t* block) { return (block[0] | (block[1] << 8) | (static_cast<uint32_t>(block[2]) << 16)) & kPrefixMask; }

}  // namespace

int64_t decode(const Kernels& kernels, const Header& header, const uint8_t* blocks, uint8_t* rgb, std::ptrdiff_t row_stride, int threads) {
  // A frame's blocks are all of one mode: that of its first block.
  const int mode_index = block_mode_of_prefix(header.block_x, header.block_y, prefix_of(blocks));
  if (mode_index < 0) return 0;
  const BlockMode& mode = kBlockModes[mode_index];
  const int64_t count_x = header.blocks_x(), count = count_x * header.blocks_y();
  const int rows = static_cast<int>(header.blocks_y());
  std::atomic<bool> pruned{true};
  parallel_for((rows + kBandRows - 1) / kBandRows, threads, [&](int band) {
    static thread_local uint8_t spare_row[3 * (kMaxSide + kMaxTileWidth)];
    for (int row = band * kBandRows; row < std::min(rows, (band + 1) * kBandRows); ++row) {
      if (!pruned.load(std::memory_order_relaxed)) return;
      if (!decode_block_row(kernels, header, mode_index, blocks + row * count_x * kBlockBytes, row, rgb, row_stride, spare_row)) pruned.store(false);
    }
  });
  if (pruned.load()) return kAllDecoded;
  int64_t index = 0;
  while (index < count - 1 && prefix_of(blocks + index * kBlockBytes) == mode.prefix) ++index;
  return index;
}

Survey survey(const Header& header, const uint8_t* blocks) {
  Survey survey{};
  survey.first_other = survey.first_refused = -1;
  const int64_t count = header.blocks_x() * header.blocks_y();
  const int first_mode = block_mode_of_prefix(header.block_x, header.block_y, prefix_of(blocks));
  for (int64_t i = 0; i < count; ++i) {
    const uint8_t* block = blocks + i * kBlockBytes;
    const int mode_index = block_mode_of_prefix(header.block_x, header.block_y, prefix_of(block));
    if ((mode_index < 0 || mode_index != first_mode) && survey.first_other < 0) survey.first_other = i;
    if (mode_index >= 0) {
      ++survey.pruned[mode_index];
      continue;
    }
    const BlockFields fields = read_fields(load_bits(block), header.block_x, header.block_y);
    if (fields.kind == BlockKind::ldr) {
      ++survey.general;
      continue;
    }
    if (survey.first_refused < 0) {
      survey.first_refused = i;
      survey.refused = fields;
    }
    ++(fields.kind == BlockKind::hdr ? survey.hdr : survey.error);
  }
  return survey;
}

int64_t decode_general(const Kernels& kernels, const Header& header, const Survey& survey, const uint8_t* blocks, uint8_t* rgb,
                       std::ptrdiff_t row_stride, int threads) {
  const int mode_index = static_cast<int>(std::max_element(survey.pruned, survey.pruned + kModeCount) - survey.pruned);
  // A file of another encoder is the general decoder's alone, so that all of its blocks are rounded alike.
  const bool kernel_decodes = 2 * survey.pruned[mode_index] > header.blocks_x() * header.blocks_y();
  const int count_x = static_cast<int>(header.blocks_x()), rows = static_cast<int>(header.blocks_y());
  std::atomic<int64_t> general{0};
  parallel_for((rows + kBandRows - 1) / kBandRows, threads, [&](int band) {
    static thread_local uint8_t spare_row[3 * (kMaxSide + kMaxTileWidth)];
    for (int row = band * kBandRows; row < std::min(rows, (band + 1) * kBandRows); ++row) {
      const uint8_t* first = blocks + static_cast<std::ptrdiff_t>(row) * count_x * kBlockBytes;
      if (kernel_decodes && decode_block_row(kernels, header, mode_index, first, row, rgb, row_stride, spare_row)) continue;
      const int y = row * header.block_y, present_y = std::min(header.block_y, header.height - y);
      for (int i = 0; i < count_x; ++i) {
        const uint8_t* block = first + i * kBlockBytes;
        if (kernel_decodes && prefix_of(block) == kBlockModes[mode_index].prefix) continue;
        const Bits128 bits = load_bits(block);
        const int x = i * header.block_x, present_x = std::min(header.block_x, header.width - x);
        decode_block(bits, read_fields(bits, header.block_x, header.block_y), header.block_x, header.block_y, present_x, present_y,
                     rgb + y * row_stride + 3 * x, row_stride);
        general.fetch_add(1, std::memory_order_relaxed);
      }
    }
  });
  return general.load();
}

}  // namespace plcv::astc
