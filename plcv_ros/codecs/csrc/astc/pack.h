// SPDX-License-Identifier: Apache-2.0
// Stage "pack": endpoint bits and codes to blocks of 128 bits. Vector code.
//
// Weights are stored bit-reversed from the top: the first code is on top, the low bit of each code above its high bit. Row r of eight codes of
// 2 bits is the 16-bit word 7 - r of the block; a row of five codes of 3 bits has 15 bits.
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
constexpr uint8_t kReversed3[16] = {0, 4, 2, 6, 1, 5, 3, 7, 0, 4, 2, 6, 1, 5, 3, 7};  // the three bits of a code in the other order
// Places of the codes of a row within its 15 bits; of the first three, 6 bits lower.
constexpr int8_t kFirstThree[16] = {64, 8, 1, 0, 0, 0, 0, 0, 64, 8, 1, 0, 0, 0, 0, 0};
constexpr int8_t kLastTwo[16] = {0, 0, 0, 8, 1, 0, 0, 0, 0, 0, 0, 8, 1, 0, 0, 0};
}  // namespace pack_tables

// codes[p][j]: codes of blocks 2 p (first half of a lane) and 2 p + 1, row j, in the top bits of bytes. low, high: the bits in front of them.
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
void pack_5x5(typename S::V low, typename S::V high, const typename S::V (*codes)[Layout<S, kModeIndex>::kRows], uint8_t* out) {
  using V = typename S::V;
  namespace t = pack_tables;
  V row[5];  // its 15 bits, one block an element
  PLCV_UNROLL
  for (int j = 0; j < 5; ++j) {
    V half[2];
    PLCV_UNROLL
    for (int p = 0; p < 2; ++p) {
      const V reversed = S::shuffle8(S::lanes(t::kReversed3), S::and_(S::template srl16<5>(codes[p][j]), S::set8(7)));
      const V first = S::dot4(S::zero(), reversed, S::lanes(t::kFirstThree)), rest = S::dot4(S::zero(), reversed, S::lanes(t::kLastTwo));
      half[p] = S::add32(S::template sll32<6>(first), rest);
    }
    row[j] = S::add32(S::even32(half[0], half[1]), S::odd32(half[0], half[1]));
  }
  // The block's four 32-bit words, one block an element; rows end at bits 113, 98, 83, 68 and 53.
  const V word1 = S::or_(high, S::template sll32<21>(row[4]));
  const V word2 = S::or_(S::template srl32<11>(row[4]), S::or_(S::template sll32<4>(row[3]), S::template sll32<19>(row[2])));
  const V word3 = S::or_(S::template srl32<13>(row[2]), S::or_(S::template sll32<2>(row[1]), S::template sll32<17>(row[0])));
  const V a = S::lo32(low, word1), b = S::lo32(word2, word3), c = S::hi32(low, word1), d = S::hi32(word2, word3);
  const V block[4] = {S::lo64(a, b), S::hi64(a, b), S::lo64(c, d), S::hi64(c, d)};
  Layout<S, kModeIndex>::store_blocks(out, block);
}

template <class S, int kModeIndex>
void pack(typename S::V low, typename S::V high, const typename S::V (*codes)[Layout<S, kModeIndex>::kRows], uint8_t* out) {
  if constexpr (Layout<S, kModeIndex>::kWide) {
    pack_8x5<S, kModeIndex>(low, high, codes, out);
  } else {
    pack_5x5<S, kModeIndex>(low, high, codes, out);
  }
}

}  // namespace plcv::astc
