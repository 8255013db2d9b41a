// SPDX-License-Identifier: Apache-2.0
// Stage "pack": endpoint bits and codes to blocks of 128 bits. Vector code.
//
// Weights are stored bit-reversed from the top: the first code is on top, the low bit of each code above its high bit. Row r of eight codes is the
// 16-bit word 7 - r of the block; two rows of six are three bytes.
#pragma once

#include "astc/layout.h"

namespace plcv::astc {

namespace pack_tables {
constexpr uint8_t kSwapped[16] = {0, 2, 1, 3, 0, 2, 1, 3, 0, 2, 1, 3, 0, 2, 1, 3};  // the two bits of a code exchanged
constexpr uint8_t kNone = 0x80;
// Bytes of `rows`: row 0 of block 2 p columns 0-3, 4-7, the same of block 2 p + 1, then rows 1, 2, 3. Bytes of `last`: row 4 of blocks 0 to 3.
constexpr uint8_t kRows[2][16] = {
    {kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone, 13, 12, 9, 8, 5, 4, 1, 0},
    {kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone, 15, 14, 11, 10, 7, 6, 3, 2},
};
constexpr uint8_t kLast[4][16] = {
    {kNone, kNone, kNone, kNone, kNone, kNone, 1, 0, kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone},
    {kNone, kNone, kNone, kNone, kNone, kNone, 3, 2, kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone},
    {kNone, kNone, kNone, kNone, kNone, kNone, 5, 4, kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone},
    {kNone, kNone, kNone, kNone, kNone, kNone, 7, 6, kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone},
};
constexpr uint8_t kHead[2][16] = {
    {0, 1, 2, 3, 4, 5, kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone},
    {8, 9, 10, 11, 12, 13, kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone},
};
// The 6x6 grid: the nibbles of two rows (three each, and one that is unused) of both blocks one after the other; then their bytes, the first on top.
constexpr uint8_t kTwoRows[16] = {0, 1, 2, 8, 9, 10, kNone, kNone, 4, 5, 6, 12, 13, 14, kNone, kNone};
constexpr uint8_t kUpper[2][16] = {
    {kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone, 10, 9, 8, 2, 1, 0},
    {kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone, 14, 13, 12, 6, 5, 4},
};
constexpr uint8_t kLower[2][16] = {
    {kNone, kNone, kNone, kNone, kNone, kNone, kNone, 2, 1, 0, kNone, kNone, kNone, kNone, kNone, kNone},
    {kNone, kNone, kNone, kNone, kNone, kNone, kNone, 6, 5, 4, kNone, kNone, kNone, kNone, kNone, kNone},
};
constexpr uint8_t kLongHead[2][16] = {
    {0, 1, 2, 3, 4, 5, 6, kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone},
    {8, 9, 10, 11, 12, 13, 14, kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone, kNone},
};
}  // namespace pack_tables

// codes[p][j]: codes of blocks 2 p (first half of a lane) and 2 p + 1, row j, in the top two bits of bytes. low, high: the bits in front of them.
template <class S, int kModeIndex>
void pack_8x5(typename S::V low, typename S::V high, const typename S::V (*codes)[Layout<S, kModeIndex>::kRows], uint8_t* out) {
  using V = typename S::V;
  namespace t = pack_tables;
  const V swap = S::lanes(t::kSwapped), three = S::set8(3), by4 = S::set16(0x0104), by16 = S::set16(0x0110);
  V nibbles[2][5];  // two codes, 16-bit elements
  PLCV_UNROLL
  for (int p = 0; p < 2; ++p) {
    PLCV_UNROLL
    for (int j = 0; j < 5; ++j) nibbles[p][j] = S::maddubs(S::shuffle8(swap, S::and_(S::template srl16<6>(codes[p][j]), three)), by4);
  }
  const V last = S::maddubs(S::pack16(nibbles[0][4], nibbles[1][4]), by16);
  const V fifth = S::pack16(last, last);
  V block[4];
  PLCV_UNROLL
  for (int p = 0; p < 2; ++p) {
    const V first = S::maddubs(S::pack16(nibbles[p][0], nibbles[p][1]), by16), second = S::maddubs(S::pack16(nibbles[p][2], nibbles[p][3]), by16);
    const V rows = S::pack16(first, second), head = p == 0 ? S::lo32(low, high) : S::hi32(low, high);
    PLCV_UNROLL
    for (int i = 0; i < 2; ++i) {
      block[2 * p + i] = S::or_(S::shuffle8(head, S::lanes(t::kHead[i])),
                                S::or_(S::shuffle8(rows, S::lanes(t::kRows[i])), S::shuffle8(fifth, S::lanes(t::kLast[2 * p + i]))));
    }
  }
  Layout<S, kModeIndex>::store_blocks(out, block);
}

template <class S, int kModeIndex>
void pack_6x6(typename S::V low, typename S::V high, const typename S::V (*codes)[Layout<S, kModeIndex>::kRows], uint8_t* out) {
  using V = typename S::V;
  namespace t = pack_tables;
  const V swap = S::lanes(t::kSwapped), three = S::set8(3), by4 = S::set16(0x0104), by16 = S::set16(0x0110);
  V block[4];
  PLCV_UNROLL
  for (int p = 0; p < 2; ++p) {
    V pairs[3];  // rows 2 k and 2 k + 1 of both blocks: three bytes each, as 16-bit elements 0 to 2 and 4 to 6
    PLCV_UNROLL
    for (int k = 0; k < 3; ++k) {
      V nibbles[2];
      PLCV_UNROLL
      for (int i = 0; i < 2; ++i) nibbles[i] = S::maddubs(S::shuffle8(swap, S::and_(S::template srl16<6>(codes[p][2 * k + i]), three)), by4);
      pairs[k] = S::maddubs(S::shuffle8(S::pack16(nibbles[0], nibbles[1]), S::lanes(t::kTwoRows)), by16);
    }
    const V upper = S::pack16(pairs[0], pairs[1]), lower = S::pack16(pairs[2], pairs[2]), head = p == 0 ? S::lo32(low, high) : S::hi32(low, high);
    PLCV_UNROLL
    for (int i = 0; i < 2; ++i) {
      block[2 * p + i] = S::or_(S::shuffle8(head, S::lanes(t::kLongHead[i])),
                                S::or_(S::shuffle8(upper, S::lanes(t::kUpper[i])), S::shuffle8(lower, S::lanes(t::kLower[i]))));
    }
  }
  Layout<S, kModeIndex>::store_blocks(out, block);
}

template <class S, int kModeIndex>
void pack(typename S::V low, typename S::V high, const typename S::V (*codes)[Layout<S, kModeIndex>::kRows], uint8_t* out) {
  if constexpr (Layout<S, kModeIndex>::kWide) {
    pack_8x5<S, kModeIndex>(low, high, codes, out);
  } else {
    pack_6x6<S, kModeIndex>(low, high, codes, out);
  }
}

}  // namespace plcv::astc
