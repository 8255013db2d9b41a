// SPDX-License-Identifier: Apache-2.0
// How a tile of blocks lies in vectors of 128-bit lanes. Vector code; S is a target of simd/.
//
// A tile is four blocks a lane: 16 blocks with AVX-512. It has kGroups vectors a row of texels. Footprints 8 wide put two blocks into a
// lane (two groups), wider ones one block, its last texel repeated up to 16 (four groups). Scalars of the blocks live in vectors of 32-bit
// elements: element q of lane l belongs to block block_of(q, l) of the tile.
#pragma once

#include <cstdint>

#include "astc/tables.h"
#include "simd/unroll.h"

namespace plcv::astc {

template <class S, int kModeIndex>
struct Layout {
  static constexpr BlockMode kMode = kBlockModes[kModeIndex];
  static constexpr int kX = kMode.block_x, kY = kMode.block_y, kColumns = kMode.grid_x, kRows = kMode.grid_y;
  static constexpr bool kPaired = kX == 8;
  static constexpr int kGroups = kPaired ? 2 : 4;
  static constexpr int kBlocks = 4 * S::kLanes;  // of a tile
  static constexpr int kWidth = kBlocks * kX;    // texels
  static constexpr int kGroupWidth = kWidth / kGroups;
  static constexpr bool kWide = kColumns == 8;         // the grid of 8x5, else that of 6x6
  static constexpr bool kAcross = !kPaired || !kWide;  // grid columns are not texel columns: rows are filtered and interpolated too
  static_assert(kWide ? kRows == 5 && kMode.colour_levels == 32 : kColumns == 6 && kRows == 6 && kMode.colour_levels == 80,
                "the kernels are written for grids of 8x5 and 6x6");
  static_assert(kX >= 8 && kX <= 16, "a row of a block must fit a lane");

  using V = typename S::V;

  // 1 for texels of a block, 0 for the repeated ones behind them.
  struct Ones {
    uint8_t byte[16];
    constexpr Ones() : byte{} {
      for (int x = 0; x < 16; ++x) byte[x] = kPaired || x < kX;
    }
  };
  static constexpr Ones kOnes{};
  static V ones() { return S::lanes(kOnes.byte); }
  // Clears the repeated texels.
  static V only_texels(V v) {
    if constexpr (kPaired || kX == 16) return v;
    struct Mask {
      uint8_t byte[16];
      constexpr Mask() : byte{} {
        for (int x = 0; x < 16; ++x) byte[x] = x < kX ? 255 : 0;
      }
    };
    static constexpr Mask kMask{};
    return S::and_(v, S::lanes(kMask.byte));
  }

  // The low byte of each block's element, in all bytes that the block has in group g.
  template <int g>
  static V spread_byte(V elements) {
    struct Index {
      uint8_t byte[16];
      constexpr Index() : byte{} {
        for (int x = 0; x < 16; ++x) byte[x] = kPaired ? static_cast<uint8_t>(8 * g + 4 * (x / 8)) : static_cast<uint8_t>(4 * g);
      }
    };
    static constexpr Index kIndex{};
    return S::shuffle8(elements, S::lanes(kIndex.byte));
  }

  // Asks for the bytes of one group that will be loaded a block row later. Without it a frame that is not in the cache costs twice the time:
  // the rows of a block are too many streams, and each too short, for the hardware's prefetcher. Spread over the loads, since requests
  // that come in a burst wait for each other.
  static void fetch_ahead(const uint8_t* p) {
    PLCV_UNROLL
    for (int byte = 0; byte < 3 * kGroupWidth; byte += 64) __builtin_prefetch(p + byte, 0, 2);
  }

  // Elements of the tile from one vector a group with partial results in 32-bit elements.
  static V fold_add(const V* v) {
    if constexpr (kPaired) {
      return S::add32(S::even32(v[0], v[1]), S::odd32(v[0], v[1]));
    } else {
      const V a = S::add32(S::even32(v[0], v[1]), S::odd32(v[0], v[1]));
      const V b = S::add32(S::even32(v[2], v[3]), S::odd32(v[2], v[3]));
      return S::add32(S::even32(a, b), S::odd32(a, b));
    }
  }
  static V fold_min8(const V* v) {
    V m;
    if constexpr (kPaired) {
      m = S::min8u(S::even32(v[0], v[1]), S::odd32(v[0], v[1]));
    } else {
      const V a = S::min8u(S::even32(v[0], v[1]), S::odd32(v[0], v[1]));
      const V b = S::min8u(S::even32(v[2], v[3]), S::odd32(v[2], v[3]));
      m = S::min8u(S::even32(a, b), S::odd32(a, b));
    }
    m = S::min8u(m, S::template srl32<16>(m));
    m = S::min8u(m, S::template srl32<8>(m));
    return S::and_(m, S::set32(255));
  }
  static V fold_max8(const V* v) {
    V m;
    if constexpr (kPaired) {
      m = S::max8u(S::even32(v[0], v[1]), S::odd32(v[0], v[1]));
    } else {
      const V a = S::max8u(S::even32(v[0], v[1]), S::odd32(v[0], v[1]));
      const V b = S::max8u(S::even32(v[2], v[3]), S::odd32(v[2], v[3]));
      m = S::max8u(S::even32(a, b), S::odd32(a, b));
    }
    m = S::max8u(m, S::template srl32<16>(m));
    m = S::max8u(m, S::template srl32<8>(m));
    return S::and_(m, S::set32(255));
  }

  // The 16 bytes of all blocks, vector q holding those of elements q: in the order of the tile.
  static void store_blocks(uint8_t* out, const V* block) {
    for (int g = 0; g < kGroups; g += kPaired ? 1 : 2) {
      if constexpr (kPaired) {
        S::store_zipped(out + g * 2 * S::kLanes * kBlockBytes, block[2 * g], block[2 * g + 1]);
      } else {
        S::store(out + g * S::kLanes * kBlockBytes, block[g]);
        S::store(out + (g + 1) * S::kLanes * kBlockBytes, block[g + 1]);
      }
    }
  }
  static void load_blocks(const uint8_t* in, V* block) {
    for (int g = 0; g < kGroups; g += kPaired ? 1 : 2) {
      if constexpr (kPaired) {
        S::load_zipped(in + g * 2 * S::kLanes * kBlockBytes, block[2 * g], block[2 * g + 1]);
      } else {
        block[g] = S::load(in + g * S::kLanes * kBlockBytes);
        block[g + 1] = S::load(in + (g + 1) * S::kLanes * kBlockBytes);
      }
    }
  }
};

}  // namespace plcv::astc
