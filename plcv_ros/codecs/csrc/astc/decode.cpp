// SPDX-License-Identifier: Apache-2.0
#include "astc/decode.h"

#include <algorithm>
#include <cstring>

#include "astc/block_mode.h"

namespace plcv::astc {
namespace {

uint64_t load64(const uint8_t* p) {
  uint64_t v = 0;
  for (int i = 7; i >= 0; --i) v = (v << 8) | p[i];
  return v;
}

void decode_block(const BlockMode& mode, const uint8_t* block, uint8_t* out /* block_y x block_x x 3 */) {
  const uint64_t head = load64(block);
  int e[2][3];
  for (int c = 0; c < 3; ++c) {
    for (int k = 0; k < 2; ++k) {
      const int v = (head >> (17 + 5 * (2 * c + k))) & 31;
      e[k][c] = (v << 3) | (v >> 2);
    }
  }
  if (e[1][0] + e[1][1] + e[1][2] < e[0][0] + e[0][1] + e[0][2]) {
    for (int c = 0; c < 3; ++c) std::swap(e[0][c], e[1][c]);
    for (auto& k : e) {
      k[0] = (k[0] + k[2]) >> 1;
      k[1] = (k[1] + k[2]) >> 1;
    }
  }
  int grid[6 * 9] = {};
  for (int i = 0; i < 40; ++i) {
    const int low = 127 - 2 * i, high = 126 - 2 * i;
    const int code = ((block[low >> 3] >> (low & 7)) & 1) | (((block[high >> 3] >> (high & 7)) & 1) << 1);
    grid[(i / 8) * 9 + i % 8] = kWeightLevels[static_cast<std::size_t>(code)];
  }
  for (int t = 0; t < mode.block_y; ++t) {
    const int gt = grid_position(t, mode.block_y, mode.grid_y), jt = gt >> 4, ft = gt & 15;
    for (int s = 0; s < mode.block_x; ++s) {
      const int gs = grid_position(s, mode.block_x, mode.grid_x), js = gs >> 4, fs = gs & 15;
      const int w11 = (fs * ft + 8) >> 4, w10 = ft - w11, w01 = fs - w11, w00 = 16 - fs - ft + w11;
      const int* p = grid + jt * 9 + js;
      const int w = (p[0] * w00 + p[1] * w01 + p[9] * w10 + p[10] * w11 + 8) >> 4;
      for (int c = 0; c < 3; ++c) *out++ = static_cast<uint8_t>((e[0][c] * (64 - w) + e[1][c] * w + 32) >> 6);
    }
  }
}

}  // namespace

int64_t decode(const Header& header, const uint8_t* blocks, uint8_t* rgb, std::ptrdiff_t row_stride, int threads) {
  (void)threads;
  const int index = find_block_mode(header.block_x, header.block_y);
  if (index < 0) return 0;
  const BlockMode& mode = kBlockModes[static_cast<std::size_t>(index)];
  const int64_t nx = header.blocks_x(), ny = header.blocks_y();
  uint8_t texels[12 * 12 * 3];
  for (int64_t by = 0; by < ny; ++by) {
    for (int64_t bx = 0; bx < nx; ++bx) {
      const uint8_t* block = blocks + 16 * (by * nx + bx);
      if ((load64(block) & kPrefixMask) != mode.prefix) return by * nx + bx;
      decode_block(mode, block, texels);
      const int x0 = static_cast<int>(bx) * mode.block_x, y0 = static_cast<int>(by) * mode.block_y;
      const int w = std::min(mode.block_x, header.width - x0), h = std::min(mode.block_y, header.height - y0);
      for (int y = 0; y < h; ++y) std::memcpy(rgb + (y0 + y) * row_stride + 3 * x0, texels + y * mode.block_x * 3, static_cast<std::size_t>(3 * w));
    }
  }
  return kAllDecoded;
}

}  // namespace plcv::astc
