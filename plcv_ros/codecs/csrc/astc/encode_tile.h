// SPDX-License-Identifier: Apache-2.0
// The presets: which stages a tile goes through. Vector code.
#pragma once

#include "astc/fit_luma.h"
#include "astc/pack.h"
#include "astc/preset.h"
#include "astc/refit.h"
#include "astc/weights.h"

namespace plcv::astc {

template <class S, int kModeIndex>
struct TileEncoder {
  using L = Layout<S, kModeIndex>;
  using V = typename S::V;
  using F = typename S::F;

  // rows[y]: first texel of each of the block_y rows of a tile, rgb8, or bgr8 where `bgr`; ahead[y]: the same of the
  // rows wanted next. out: L::kBlocks blocks.
  template <Preset kPreset>
  static void run(const uint8_t* const* rows, const uint8_t* const* ahead, bool bgr, uint8_t* out) {
    if constexpr (kPreset == Preset::fast) {
      fast(rows, ahead, bgr, out);
    } else if constexpr (kPreset == Preset::fine) {
      fine(rows, ahead, bgr, out);
    } else {
      paper(rows, ahead, bgr, out);
    }
  }

 private:
  static void finish(const Endpoints<S>& ends, bool bgr, const V (*codes)[L::kRows], uint8_t* out) {
    V low, high;
    endpoint_bits<S, L::kMode.colour_levels>(ends, L::kMode.prefix, bgr, &low, &high);
    pack<S, kModeIndex>(low, high, codes, out);
  }

  // Weights from luma alone: a block's texels lie close to one line, on which luma tells where.
  static void fast(const uint8_t* const* rows, const uint8_t* const* ahead, bool bgr, uint8_t* out) {
    using W = Weights<S, kModeIndex, Filter::least_squares>;
    LumaFit<S, kModeIndex> fit;
    const Endpoints<S> ends = fit.template run<false>(rows, ahead, nullptr);
    V grid[4][L::kRows], codes[2][L::kRows];
    W::filter(fit.luma, grid);
    W::from_luma(grid, ends, kLumaBias, codes);
    finish(ends, bgr, codes, out);
  }

  // `fast`, then endpoints for its codes, codes for those endpoints (from all three channels), and endpoints for these codes.
  static void fine(const uint8_t* const* rows, const uint8_t* const* ahead, bool bgr, uint8_t* out) {
    using W = Weights<S, kModeIndex, Filter::least_squares>;
    LumaFit<S, kModeIndex> fit;
    V channels[3 * L::kGroups * L::kY];
    const Endpoints<S> start = fit.template run<true>(rows, ahead, channels);
    V grid[4][L::kRows], codes[2][L::kRows], sums[3];
    W::filter(fit.luma, grid);
    W::from_luma(grid, start, kLumaBias, codes);
    const Endpoints<S> second = Refit<S, kModeIndex>::template run<true>(channels, codes, sums);
    W::template project<kWeightUnit>(channels, second, 32.5f, fit.luma);
    W::filter(fit.luma, grid);
    W::from_projection(grid, codes);
    const Endpoints<S> ends = Refit<S, kModeIndex>::template run<false>(channels, codes, sums);
    // Endpoints that changed places take the mirrored codes.
    const V swapped = S::and_(ends.swapped, S::set32(0xC0));
    mirror<0>(swapped, codes);
    mirror<1>(swapped, codes);
    finish(ends, bgr, codes, out);
  }

  template <int p>
  static void mirror(V swapped, V (*codes)[L::kRows]) {
    struct Index {
      uint8_t byte[16];
      constexpr Index() : byte{} {
        for (int x = 0; x < 16; ++x) byte[x] = static_cast<uint8_t>(8 * p + 4 * (x / 8));
      }
    };
    static constexpr Index kIndex{};
    const V flip = S::shuffle8(swapped, S::lanes(kIndex.byte));
    PLCV_UNROLL
    for (int j = 0; j < L::kRows; ++j) codes[p][j] = S::xor_(codes[p][j], flip);
  }

  // The paper's method: the box of minima and maxima, its main diagonal, triangle filter, truncated weights.
  static void paper(const uint8_t* const* rows, const uint8_t* const* ahead, bool bgr, uint8_t* out) {
    using W = Weights<S, kModeIndex, Filter::triangle>;
    V channels[3 * L::kGroups * L::kY], plane[L::kGroups][L::kY];
    V low[3][L::kGroups], high[3][L::kGroups];
    for (int g = 0; g < L::kGroups; ++g) {
      PLCV_UNROLL
      for (int y = 0; y < L::kY; ++y) {
        V a[3];
        L::fetch_ahead(ahead[y] + 3 * g * L::kGroupWidth);
        S::template load_rgb<L::kX>(rows[y] + 3 * g * L::kGroupWidth, a[0], a[1], a[2]);
        PLCV_UNROLL
        for (int c = 0; c < 3; ++c) {
          channels[(c * L::kGroups + g) * L::kY + y] = a[c];
          low[c][g] = y == 0 ? a[c] : S::min8u(low[c][g], a[c]);
          high[c][g] = y == 0 ? a[c] : S::max8u(high[c][g], a[c]);
        }
      }
    }
    F first[3], second[3];
    PLCV_UNROLL
    for (int c = 0; c < 3; ++c) {
      const V lowest = L::fold_min8(low[c]), highest = L::fold_max8(high[c]), inset = S::template srl32<5>(S::sub32(highest, lowest));
      first[c] = S::to_float(S::add32(lowest, inset));
      second[c] = S::to_float(S::sub32(highest, inset));
    }
    const Endpoints<S> ends = quantise<S, L::kMode.colour_levels>(first, second);
    V grid[4][L::kRows], codes[2][L::kRows];
    W::template project<255>(channels, ends, 0.5f, plane);
    W::filter(plane, grid);
    W::from_projection(grid, codes);
    finish(ends, bgr, codes, out);
  }
};

}  // namespace plcv::astc
