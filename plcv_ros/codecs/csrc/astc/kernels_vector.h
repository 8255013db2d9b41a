// SPDX-License-Identifier: Apache-2.0
// Fills the kernel table of one vector target.
#pragma once

#include "astc/decode_tile.h"
#include "astc/encode_tile.h"
#include "astc/kernels.h"
#include "astc/repack.h"

namespace plcv::astc {

template <class S, int kModeIndex, Preset kPreset>
void encode_tiles(const uint8_t* const* rows, const uint8_t* const* ahead, int tiles, bool bgr, uint8_t* blocks) {
  using L = Layout<S, kModeIndex>;
  const uint8_t *at[L::kY], *ahead_at[L::kY];
  for (int y = 0; y < L::kY; ++y) {
    at[y] = rows[y];
    ahead_at[y] = ahead[y];
  }
  for (int i = 0; i < tiles; ++i) {
    TileEncoder<S, kModeIndex>::template run<kPreset>(at, ahead_at, bgr, blocks);
    for (int y = 0; y < L::kY; ++y) {
      at[y] += 3 * L::kWidth;
      ahead_at[y] += 3 * L::kWidth;
    }
    blocks += L::kBlocks * kBlockBytes;
  }
}

template <class S, int kModeIndex>
bool decode_tiles(const uint8_t* blocks, int tiles, uint8_t* const* rows) {
  using L = Layout<S, kModeIndex>;
  uint8_t* at[L::kY];
  for (int y = 0; y < L::kY; ++y) at[y] = rows[y];
  typename S::V foreign = S::zero();
  for (int i = 0; i < tiles; ++i) {
    TileDecoder<S, kModeIndex>::run(blocks, at, &foreign);
    for (int y = 0; y < L::kY; ++y) at[y] += 3 * L::kWidth;
    blocks += L::kBlocks * kBlockBytes;
  }
  return !S::any(foreign);
}

template <class S, int kModeIndex>
constexpr ModeKernels mode_kernels() {
  if constexpr (kBlockModes[kModeIndex].has_paper()) {
    return {{&encode_tiles<S, kModeIndex, Preset::fast>, &encode_tiles<S, kModeIndex, Preset::fine>, &encode_tiles<S, kModeIndex, Preset::paper>},
            &decode_tiles<S, kModeIndex>};
  } else {
    return {{&encode_tiles<S, kModeIndex, Preset::fast>, &encode_tiles<S, kModeIndex, Preset::fine>, nullptr}, &decode_tiles<S, kModeIndex>};
  }
}

template <class S, int... kModeIndices>
constexpr Kernels kernels_of(IndexList<kModeIndices...>) {
  return {4 * S::kLanes, &repack<S>, {mode_kernels<S, kModeIndices>()...}};
}

template <class S>
constexpr Kernels kernels_of() {
  return kernels_of<S>(ModeIndices{});
}

}  // namespace plcv::astc
