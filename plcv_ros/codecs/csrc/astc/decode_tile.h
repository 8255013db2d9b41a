// SPDX-License-Identifier: Apache-2.0
// Blocks to texels, for tiles whose blocks are all in one pruned mode. Vector code.
//
// A texel is (e0 * (64 - w) + e1 * w + 32) >> 6. That is the format's 16-bit interpolation (of e * 257) rounded to the nearest 8-bit value.
#pragma once

#include "astc/layout.h"

namespace plcv::astc {

template <class S, int kModeIndex>
struct TileDecoder {
  using L = Layout<S, kModeIndex>;
  using V = typename S::V;

  // Values of the codes in a nibble: of the first (top two bits) and of the second; the low bit of a code comes first.
  static constexpr uint8_t kFirst[16] = {0, 0, 0, 0, 43, 43, 43, 43, 21, 21, 21, 21, 64, 64, 64, 64};
  static constexpr uint8_t kSecond[16] = {0, 43, 21, 64, 0, 43, 21, 64, 0, 43, 21, 64, 0, 43, 21, 64};
  static constexpr uint8_t kReversed[16] = {15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0};
  // Values of codes of 3 bits, the low bit first.
  static constexpr uint8_t kLevels3[16] = {0, 37, 18, 55, 9, 46, 27, 64, 0, 37, 18, 55, 9, 46, 27, 64};

  // Infill where a row of the grid is not a row of texels: for each row of texels the shares of the four grid neighbours, by halves of a
  // lane; of a pair of blocks each half is one of them.
  struct Infill {
    uint8_t index[2][2][16];        // [place of the grid row in the vector][half]
    int8_t share[L::kY][2][2][16];  // [texel row][upper, lower grid row][half]
    int8_t grid_row[L::kY];
    bool has_lower[L::kY];
    constexpr Infill() : index{}, share{}, grid_row{}, has_lower{} {
      for (int t = 0; t < L::kY; ++t) {
        const int gt = grid_position(t, L::kY, L::kRows), ft = gt & 15;
        grid_row[t] = static_cast<int8_t>(gt >> 4);
        has_lower[t] = ft != 0;
        for (int lane_x = 0; lane_x < (L::kPaired ? 16 : L::kX); ++lane_x) {
          const int x = L::kPaired ? lane_x % 8 : lane_x, gs = grid_position(x, L::kX, L::kColumns), js = gs >> 4, fs = gs & 15;
          const int w11 = (fs * ft + 8) >> 4, w10 = ft - w11, w01 = fs - w11, w00 = 16 - fs - ft + w11;
          const int h = lane_x / 8, i = 2 * (lane_x % 8), next = js + 1 < L::kColumns ? js + 1 : js;  // the neighbour outside has share 0
          for (int place = 0; place < 2; ++place) {
            const int first = 8 * (L::kPaired ? h : place);
            index[place][h][i] = static_cast<uint8_t>(first + js);
            index[place][h][i + 1] = static_cast<uint8_t>(first + next);
          }
          share[t][0][h][i] = static_cast<int8_t>(w00);
          share[t][0][h][i + 1] = static_cast<int8_t>(w01);
          share[t][1][h][i] = static_cast<int8_t>(w10);
          share[t][1][h][i + 1] = static_cast<int8_t>(w11);
        }
      }
    }
  };

  // Texels of one tile. rows[y]: first texel of the tile in row y, rgb8; every row has room for the tile's width.
  // Adds to `foreign` the first 17 bits of the blocks where they differ from the pruned mode's.
  static void run(const uint8_t* blocks, uint8_t* const* rows, V* foreign) {
    V block[4];
    L::load_blocks(blocks, block);
    const V a = S::lo32(block[0], block[1]), b = S::lo32(block[2], block[3]);
    const V low = S::lo64(a, b), high = S::hi64(a, b);
    *foreign = S::or_(*foreign, S::and_(S::xor_(low, S::set32(static_cast<int>(L::kMode.prefix))), S::set32(static_cast<int>(kPrefixMask))));
    V ends[3];  // e0 | e1 << 8, twice, of each channel
    endpoints(low, high, ends);
    Grid grid;
    if constexpr (L::kWide) {
      read_8x5(block, &grid);
    } else {
      read_5x5(block, &grid);
    }
    group<0>(grid, ends, rows);
    group<1>(grid, ends, rows);
    if constexpr (!L::kPaired) {
      group<2>(grid, ends, rows);
      group<3>(grid, ends, rows);
    }
  }

 private:
  // 64 times the weights. Wide grids: rows 0 and 1, 2 and 3, and 4 of block q in row[q][0 .. 2]. Narrow ones: row j of blocks 0 and 1 in
  // row[0][j], of blocks 2 and 3 in row[1][j]. Eight bytes each.
  struct Grid {
    V row[L::kWide ? 4 : 2][L::kWide ? 3 : 5];
    // The vector that holds row j of block q, and its place in there.
    template <int q>
    V of(int j) const {
      return L::kWide ? row[q][j / 2] : row[q / 2][j];
    }
    static constexpr int place(int q, int j) { return L::kWide ? j % 2 : q % 2; }
  };

  static void read_8x5(const V* block, Grid* grid) {
    PLCV_UNROLL
    for (int q = 0; q < 4; ++q) {
      const V v = S::shuffle8(block[q], S::lanes(kReversed)), nibble = S::set8(15);
      const V upper = S::and_(S::template srl16<4>(v), nibble), lower = S::and_(v, nibble);
      const V u0 = S::shuffle8(S::lanes(kFirst), upper), u1 = S::shuffle8(S::lanes(kSecond), upper);
      const V l0 = S::shuffle8(S::lanes(kFirst), lower), l1 = S::shuffle8(S::lanes(kSecond), lower);
      const V u = S::lo8(u0, u1), l = S::lo8(l0, l1);
      grid->row[q][0] = S::lo16(u, l);
      grid->row[q][1] = S::hi16(u, l);
      grid->row[q][2] = S::lo16(S::hi8(u0, u1), S::hi8(l0, l1));
    }
  }

  static void read_5x5(const V* block, Grid* grid) {
    const V a = S::lo32(block[0], block[1]), b = S::lo32(block[2], block[3]), c = S::hi32(block[0], block[1]), d = S::hi32(block[2], block[3]);
    const V word1 = S::hi64(a, b), word2 = S::lo64(c, d), word3 = S::hi64(c, d), fifteen = S::set32(0x7FFF);
    const V bits[5] = {S::template srl32<17>(word3), S::and_(S::template srl32<2>(word3), fifteen),
                       S::or_(S::template sll32<13>(S::and_(word3, S::set32(3))), S::template srl32<19>(word2)),
                       S::and_(S::template srl32<4>(word2), fifteen),
                       S::or_(S::template sll32<11>(S::and_(word2, S::set32(15))), S::template srl32<21>(word1))};
    PLCV_UNROLL
    for (int j = 0; j < 5; ++j) {
      // Five fields of 3 bits to five bytes.
      const V v = bits[j];
      const V first = S::or_(S::or_(S::template srl32<12>(v), S::and_(S::template srl32<1>(v), S::set32(0x700))),
                             S::or_(S::and_(S::template sll32<10>(v), S::set32(0x70000)), S::and_(S::template sll32<21>(v), S::set32(0x7000000))));
      const V last = S::and_(v, S::set32(7));
      grid->row[0][j] = S::shuffle8(S::lanes(kLevels3), S::lo32(first, last));
      grid->row[1][j] = S::shuffle8(S::lanes(kLevels3), S::hi32(first, last));
    }
  }

  static void endpoints(V low, V high, V* ends) {
    constexpr int kBits = L::kMode.endpoint_bits, kThird = 17 + 2 * kBits, kFourth = kThird + kBits - 32;
    const V all = S::set32((1 << kBits) - 1);
    V q[2][3];
    q[0][0] = S::and_(S::template srl32<17>(low), all);
    q[1][0] = S::and_(S::template srl32<17 + kBits>(low), all);
    q[0][1] = S::template srl32<kThird>(low);
    if constexpr (kFourth > 0) q[0][1] = S::and_(S::or_(q[0][1], S::template sll32<32 - kThird>(high)), all);
    q[1][1] = S::and_(S::template srl32<kFourth>(high), all);
    q[0][2] = S::and_(S::template srl32<kFourth + kBits>(high), all);
    q[1][2] = S::and_(S::template srl32<kFourth + 2 * kBits>(high), all);
    V e[2][3], sum[2];
    PLCV_UNROLL
    for (int k = 0; k < 2; ++k) {
      PLCV_UNROLL
      for (int c = 0; c < 3; ++c) e[k][c] = S::or_(S::template sll32<8 - kBits>(q[k][c]), S::template srl32<2 * kBits - 8>(q[k][c]));
      sum[k] = S::add32(S::add32(e[k][0], e[k][1]), e[k][2]);
    }
    const V contracted = S::gt32(sum[0], sum[1]);
    PLCV_UNROLL
    for (int c = 0; c < 3; ++c) {
      // Contracted: the endpoints change places, red and green become their mean with blue.
      V other[2];
      PLCV_UNROLL
      for (int k = 0; k < 2; ++k) other[k] = c == 2 ? e[1 - k][c] : S::template srl32<1>(S::add32(e[1 - k][c], e[1 - k][2]));
      const V e0 = S::xor_(e[0][c], S::and_(contracted, S::xor_(e[0][c], other[0])));
      const V e1 = S::xor_(e[1][c], S::and_(contracted, S::xor_(e[1][c], other[1])));
      const V both = S::or_(e0, S::template sll32<8>(e1));
      ends[c] = S::or_(both, S::template sll32<16>(both));
    }
  }

  static void colour_row(V w, const V* low_ends, const V* high_ends, uint8_t* out) {
    const V rest = S::sub8(S::set8(64), w), low = S::lo8(rest, w), high = S::hi8(rest, w), round = S::set16(512);
    V c[3];
    PLCV_UNROLL
    for (int i = 0; i < 3; ++i)
      c[i] = S::pack16(S::mulhrs16(S::maddubs(low_ends[i], low), round), S::mulhrs16(S::maddubs(high_ends[i], high), round));
    S::template store_rgb<L::kX>(out, c[0], c[1], c[2]);
  }

  template <int g>
  static void group(const Grid& grid, const V* ends, uint8_t* const* rows) {
    constexpr int q0 = L::kPaired ? 2 * g : g, q1 = L::kPaired ? 2 * g + 1 : g;
    V low_ends[3], high_ends[3];
    PLCV_UNROLL
    for (int c = 0; c < 3; ++c) {
      low_ends[c] = S::template spread32<q0>(ends[c]);
      high_ends[c] = S::template spread32<q1>(ends[c]);
    }
    const V round = S::set16(2048);
    if constexpr (!L::kAcross) {
      const V level[5] = {S::lo64(grid.row[q0][0], grid.row[q1][0]), S::hi64(grid.row[q0][0], grid.row[q1][0]),
                          S::lo64(grid.row[q0][1], grid.row[q1][1]), S::hi64(grid.row[q0][1], grid.row[q1][1]),
                          S::lo64(grid.row[q0][2], grid.row[q1][2])};
      PLCV_UNROLL
      for (int t = 0; t < L::kY; ++t) {
        const int position = grid_position(t, L::kY, L::kRows), j = position >> 4, fraction = position & 15;
        V w = level[j];
        if (fraction != 0) {
          const V share = S::set16((16 - fraction) | (fraction << 8));
          w = S::pack16(S::mulhrs16(S::maddubs(S::lo8(level[j], level[j + 1]), share), round),
                        S::mulhrs16(S::maddubs(S::hi8(level[j], level[j + 1]), share), round));
        }
        colour_row(w, low_ends, high_ends, rows[t] + 3 * g * L::kGroupWidth);
      }
    } else {
      static constexpr Infill k{};
      V neighbours[5][2];
      PLCV_UNROLL
      for (int j = 0; j < 5; ++j) {
        PLCV_UNROLL
        for (int h = 0; h < 2; ++h) neighbours[j][h] = S::shuffle8(grid.template of<q0>(j), S::lanes(k.index[Grid::place(q0, j)][h]));
      }
      PLCV_UNROLL
      for (int t = 0; t < L::kY; ++t) {
        V half[2];
        PLCV_UNROLL
        for (int h = 0; h < 2; ++h) {
          half[h] = S::maddubs(neighbours[k.grid_row[t]][h], S::lanes(k.share[t][0][h]));
          if (k.has_lower[t]) half[h] = S::add16(half[h], S::maddubs(neighbours[k.grid_row[t] + 1][h], S::lanes(k.share[t][1][h])));
        }
        colour_row(S::pack16(S::mulhrs16(half[0], round), S::mulhrs16(half[1], round)), low_ends, high_ends, rows[t] + 3 * g * L::kGroupWidth);
      }
    }
  }
};

}  // namespace plcv::astc
