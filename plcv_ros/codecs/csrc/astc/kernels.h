// SPDX-License-Identifier: Apache-2.0
// The instruction-set targets and what each offers. One source file a target (kernels_*.cpp) fills a table; the drivers (encode.cpp,
// decode.cpp) do everything that is not per texel. The bytes are the same on every target.
#pragma once

#include <cstdint>

#include "astc/block_mode.h"
#include "astc/preset.h"
#include "simd/targets.h"

namespace plcv::astc {

constexpr int kPresets = 3;
constexpr int kMaxBlockY = 12;
constexpr int kMaxTileBlocks = 16;

struct ModeKernels {
  // Encodes `tiles` tiles that lie side by side. rows[y]: first texel of row y of the first one, y < block_y; rgb8, or bgr8 where `bgr`.
  // Null for the paper's method where the grid is not the paper's. Reads exactly the texels of the tiles. ahead[y]: rows that will be wanted next, to
  // be fetched into the cache meanwhile.
  void (*encode[kPresets])(const uint8_t* const* rows, const uint8_t* const* ahead, int tiles, bool bgr, uint8_t* blocks);
  // Decodes `tiles` tiles that lie side by side; writes exactly their texels. False where a block is not in the pruned mode.
  bool (*decode)(const uint8_t* blocks, int tiles, uint8_t* const* rows);
};

struct Kernels {
  int tile_blocks;
  // Pixels of 1, 3 or 4 bytes to three bytes; see repack.h.
  void (*repack)(const uint8_t* pixels, const uint8_t* ahead, int bytes, int count, uint8_t* out);
  ModeKernels mode[kModeCount];
};

// The kernels of a target that this machine can run.
const Kernels& kernels_for(simd::Target target);

// Each of these exists where the compiler can build it.
const Kernels& kernels_scalar();
const Kernels& kernels_avx2();
const Kernels& kernels_avx512();
const Kernels& kernels_neon();

}  // namespace plcv::astc
