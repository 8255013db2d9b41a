// SPDX-License-Identifier: Apache-2.0
// The block modes that the pruned codec knows, and the tables that follow from each of them.
//
// A pruned encoder searches nothing: every block of a frame has one mode, one partition, one endpoint mode. A mode is therefore data.
// All tables are computed by the compiler from the entry (constexpr), so they are the same numbers on every machine.
#pragma once

#include <cstdint>

namespace plcv::astc {

constexpr int kBlockBytes = 16;
constexpr int kHeaderBytes = 16;

struct BlockMode {
  int block_x, block_y;  // footprint, texels
  int grid_x, grid_y;    // weight grid; weights have four levels (QUANT_4)
  int colour_levels;     // of each of the six endpoint values; not in the block: it is the largest range that the other bits leave room for
  uint32_t prefix;       // the first 17 bits of every block: mode, one partition, endpoint mode 8 (LDR RGB, direct)

  // The paper's method is for the paper's grid.
  constexpr bool has_paper() const { return grid_x == 8; }
};

// Block mode 102 is an 8x5 grid of 2-bit weights whatever the footprint is, 264 a 6x6 grid of them.
constexpr uint32_t kPrefix8x5 = 102u | (0u << 11) | (8u << 13);
constexpr uint32_t kPrefix6x6 = 264u | (0u << 11) | (8u << 13);
constexpr uint32_t kPrefixMask = (1u << 17) - 1;

// A further configuration is one entry here. The kernels take any footprint from 8x8 on with an even number of rows; they are written
// for these two grids. A footprint's first mode is the one of its usual presets.
constexpr BlockMode kBlockModes[] = {
    {8, 8, 8, 5, 32, kPrefix8x5},
    {12, 12, 8, 5, 32, kPrefix8x5},
    {8, 8, 6, 6, 80, kPrefix6x6},
    {12, 12, 6, 6, 80, kPrefix6x6},
};
constexpr int kModeCount = sizeof(kBlockModes) / sizeof(kBlockModes[0]);

// Values of the four weight levels, out of 64.
constexpr int kWeightLevels[4] = {0, 21, 43, 64};

// 0 .. kModeCount - 1 as template arguments.
template <int... kIndices>
struct IndexList {};
template <int kCount, int... kIndices>
struct MakeIndexList : MakeIndexList<kCount - 1, kCount - 1, kIndices...> {};
template <int... kIndices>
struct MakeIndexList<0, kIndices...> {
  using Type = IndexList<kIndices...>;
};
using ModeIndices = MakeIndexList<kModeCount>::Type;

// Index into kBlockModes of the first mode of a footprint of which `fits` is true, or -1.
template <class Fits>
constexpr int find_block_mode(int block_x, int block_y, Fits fits) {
  for (int i = 0; i < kModeCount; ++i) {
    if (kBlockModes[i].block_x == block_x && kBlockModes[i].block_y == block_y && fits(kBlockModes[i])) return i;
  }
  return -1;
}
constexpr int block_mode_of_grid(int block_x, int block_y, int grid_x) {
  return find_block_mode(block_x, block_y, [=](const BlockMode& mode) { return mode.grid_x == grid_x; });
}
constexpr int block_mode_of_prefix(int block_x, int block_y, uint32_t prefix) {
  return find_block_mode(block_x, block_y, [=](const BlockMode& mode) { return mode.prefix == prefix; });
}

// Where texel s of an axis lies on the weight grid, in sixteenths of a grid step (Khronos Data Format, "weight infill").
constexpr int grid_position(int texel, int block, int grid) {
  const int step = (1024 + block / 2) / (block - 1);
  return (step * texel * (grid - 1) + 32) >> 6;
}

}  // namespace plcv::astc
