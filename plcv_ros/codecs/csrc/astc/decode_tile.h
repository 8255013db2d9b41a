// SPDX-License-Identifier: Apache-2.0
// Blocks to texels, for tiles whose blocks are all in one pruned mode. Vector code.
//
// A texel is (e0 * (64 - w) + e1 * w + 32) >> 6. That is the format's 16-bit interpolation (of e * 257) rounded to the nearest 8-bit value.
#pragma once

#include "astc/endpoints.h"

namespace plcv::astc {

template <class S, int kModeIndex>
struct TileDecoder {
  using L = Layout<S, kModeIndex>;
  using V = typename S::V;

  // Values of the codes in a nibble: of the first (top two bits) and of the second; the low bit of a code comes first.
  static constexpr uint8_t kFirst[16] = {0, 0, 0, 0, 43, 43, 43, 43, 21, 21, 21, 21, 64, 64, 64, 64};
  static constexpr uint8_t kSecond[16] = {0, 43, 21, 64, 0, 43, 21, 64, 0, 43, 21, 64, 0, 43, 21, 64};
  static constexpr uint8_t kReversed[16] = {15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0};
  // Rows of the 6x6 grid, two a vector of eight bytes each, from the weights 0 to 15, 16 to 31 and 32 to 35.
  static constexpr uint8_t kNone = 0x80;
  static constexpr uint8_t kRows01[16] = {0, 1, 2, 3, 4, 5, kNone, kNone, 6, 7, 8, 9, 10, 11, kNone, kNone};
  static constexpr uint8_t kRow2Begins[16] = {12, 13, 14, 15, kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone};
  static constexpr uint8_t kRows23[16] = {kNone, kNone, kNone, kNone, 0, 1, kNone, kNone, 2, 3, 4, 5, 6, 7, kNone, kNone};
  static constexpr uint8_t kRows45[16] = {8, 9, 10, 11, 12, 13, kNone, kNone, 14, 15, kNone, kNone, kNone, kNone, kNone, kNone};
  static constexpr uint8_t kRow5Ends[16] = {kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone, 0, 1, 2, 3, kNone, kNone};

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
            index[place][h][i] = static_cast<uint8_t>(8 * place + js);
            index[place][h][i + 1] = static_cast<uint8_t>(8 * place + next);
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
    // Grid rows 0 and 1, 2 and 3, and 4 and perhaps 5 of block q, eight bytes each: 64 times the weights.
    V pairs[4][3];
    PLCV_UNROLL
    for (int q = 0; q < 4; ++q) {
      const V v = S::shuffle8(block[q], S::lanes(kReversed)), nibble = S::set8(15);
      const V upper = S::and_(S::template srl16<4>(v), nibble), lower = S::and_(v, nibble);
      const V u0 = S::shuffle8(S::lanes(kFirst), upper), u1 = S::shuffle8(S::lanes(kSecond), upper);
      const V l0 = S::shuffle8(S::lanes(kFirst), lower), l1 = S::shuffle8(S::lanes(kSecond), lower);
      const V u = S::lo8(u0, u1), l = S::lo8(l0, l1);
      const V weights[3] = {S::lo16(u, l), S::hi16(u, l), S::lo16(S::hi8(u0, u1), S::hi8(l0, l1))};
      if constexpr (L::kWide) {
        PLCV_UNROLL
        for (int k = 0; k < 3; ++k) pairs[q][k] = weights[k];
      } else {
        pairs[q][0] = S::shuffle8(weights[0], S::lanes(kRows01));
        pairs[q][1] = S::or_(S::shuffle8(weights[0], S::lanes(kRow2Begins)), S::shuffle8(weights[1], S::lanes(kRows23)));
        pairs[q][2] = S::or_(S::shuffle8(weights[1], S::lanes(kRows45)), S::shuffle8(weights[2], S::lanes(kRow5Ends)));
      }
    }
    group<0>(pairs, ends, rows);
    group<1>(pairs, ends, rows);
    if constexpr (!L::kPaired) {
      group<2>(pairs, ends, rows);
      group<3>(pairs, ends, rows);
    }
  }

 private:
  // Three of the levels of 80, from the 19 bits that hold them (three_of_80), to 8-bit values.
  static void read_three(V bits, V* values) {
    const V one = S::set32(1), three = S::set32(3), four = S::set32(4), seven = S::set32(7), fifteen = S::set32(15);
    const V quints = S::or_(S::and_(S::template srl32<4>(bits), seven),
                            S::or_(S::and_(S::template srl32<8>(bits), S::set32(24)), S::and_(S::template srl32<12>(bits), S::set32(96))));
    const V high = S::template srl32<5>(quints), middle = S::and_(S::template srl32<3>(quints), three), odd = S::and_(quints, one);
    const V marked = S::gt32(S::and_(quints, S::set32(6)), S::set32(5));
    const V fours = S::and_(marked, S::gt32(one, high));  // the first two are 4
    const V inverted = S::or_(S::or_(S::template sll32<3>(middle), odd), S::template sll32<1>(S::xor_(high, three)));
    const V two = select<S>(marked, inverted, S::and_(quints, S::set32(31))), lower = S::and_(two, seven), upper = S::template srl32<3>(two);
    const V second_four = S::gt32(lower, four);
    const V quint[3] = {select<S>(fours, four, select<S>(second_four, upper, lower)), select<S>(fours, four, select<S>(second_four, four, upper)),
                        select<S>(fours, select<S>(S::gt32(odd, S::zero()), four, middle), select<S>(marked, four, high))};
    const V own[3] = {S::and_(bits, fifteen), S::and_(S::template srl32<7>(bits), fifteen), S::and_(S::template srl32<13>(bits), fifteen)};
    PLCV_UNROLL
    for (int k = 0; k < 3; ++k) {
      const V value = value_of<S>(S::template srl32<1>(own[k]), quint[k]);
      values[k] = select<S>(S::gt32(S::and_(own[k], one), S::zero()), S::sub32(S::set32(255), value), value);
    }
  }

  static void endpoints(V low, V high, V* ends) {
    V e[2][3], sum[2];
    if constexpr (L::kMode.colour_levels == 32) {
      const V five = S::set32(31);
      const V q[2][3] = {{S::and_(S::template srl32<17>(low), five), S::template srl32<27>(low), S::and_(S::template srl32<5>(high), five)},
                         {S::and_(S::template srl32<22>(low), five), S::and_(high, five), S::and_(S::template srl32<10>(high), five)}};
      PLCV_UNROLL
      for (int k = 0; k < 2; ++k) {
        PLCV_UNROLL
        for (int c = 0; c < 3; ++c) e[k][c] = expand<S, 32>(q[k][c]);
      }
    } else {
      V values[6];
      read_three(S::or_(S::template srl32<17>(low), S::template sll32<15>(S::and_(high, S::set32(15)))), values);
      read_three(S::and_(S::template srl32<4>(high), S::set32(0x7FFFF)), values + 3);
      PLCV_UNROLL
      for (int i = 0; i < 6; ++i) e[i % 2][i / 2] = values[i];
    }
    PLCV_UNROLL
    for (int k = 0; k < 2; ++k) sum[k] = S::add32(S::add32(e[k][0], e[k][1]), e[k][2]);
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
  static void group(const V (*pairs)[3], const V* ends, uint8_t* const* rows) {
    constexpr int q0 = L::kPaired ? 2 * g : g, q1 = L::kPaired ? 2 * g + 1 : g;
    V low_ends[3], high_ends[3];
    PLCV_UNROLL
    for (int c = 0; c < 3; ++c) {
      low_ends[c] = S::template spread32<q0>(ends[c]);
      high_ends[c] = S::template spread32<q1>(ends[c]);
    }
    const V round = S::set16(2048);
    if constexpr (!L::kAcross) {
      const V level[5] = {S::lo64(pairs[q0][0], pairs[q1][0]), S::hi64(pairs[q0][0], pairs[q1][0]), S::lo64(pairs[q0][1], pairs[q1][1]),
                          S::hi64(pairs[q0][1], pairs[q1][1]), S::lo64(pairs[q0][2], pairs[q1][2])};
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
      constexpr int kSecondHalf = L::kPaired ? q1 : q0;  // whose texels the second half of a lane are
      V neighbours[L::kRows][2];
      PLCV_UNROLL
      for (int j = 0; j < L::kRows; ++j) {
        PLCV_UNROLL
        for (int h = 0; h < 2; ++h) neighbours[j][h] = S::shuffle8(pairs[h == 0 ? q0 : kSecondHalf][j / 2], S::lanes(k.index[j % 2][h]));
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
