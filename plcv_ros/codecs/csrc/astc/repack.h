// SPDX-License-Identifier: Apache-2.0
// Stage "repack": pixels of one or four bytes to three, so that the kernels know one layout. The order of colours is kept (bgra8 gives bgr8).
#pragma once

#include <cstdint>

namespace plcv::astc {

constexpr int kRepackSlack = 16;  // bytes that may be written behind the last pixel

namespace repack_tables {
constexpr uint8_t kWithoutAlpha[16] = {0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 0x80, 0x80, 0x80, 0x80};
constexpr uint8_t kTripled[3][16] = {
    {0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5},
    {5, 5, 6, 6, 6, 7, 7, 7, 8, 8, 8, 9, 9, 9, 10, 10},
    {10, 11, 11, 11, 12, 12, 12, 13, 13, 13, 14, 14, 14, 15, 15, 15},
};
}  // namespace repack_tables

// Copies `count` pixels of 1, 3 or 4 bytes. `ahead`: where pixels will be wanted later; their bytes are asked for meanwhile.
template <class S>
void repack(const uint8_t* pixels, const uint8_t* ahead, int bytes, int count, uint8_t* out) {
  for (int i = 0; i < count * bytes; i += 64) __builtin_prefetch(ahead + i, 0, 2);
  int i = 0;
  if (bytes == 3) {
    __builtin_memcpy(out, pixels, 3 * static_cast<unsigned long>(count));
    i = count;
  } else if (bytes == 4) {
    for (; i + 4 <= count; i += 4) S::shuffle16(pixels + 4 * i, repack_tables::kWithoutAlpha, out + 3 * i);
  } else {
    for (; i + 16 <= count; i += 16) {
      for (int piece = 0; piece < 3; ++piece) S::shuffle16(pixels + i, repack_tables::kTripled[piece], out + 3 * i + 16 * piece);
    }
  }
  for (; i < count; ++i) {
    for (int c = 0; c < 3; ++c) out[3 * i + c] = pixels[bytes * i + (bytes == 1 ? 0 : c)];
  }
}

}  // namespace plcv::astc
