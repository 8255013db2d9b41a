// SPDX-License-Identifier: Apache-2.0
// The quantizers of the standard for 16-bit lanes, as tables by truncation T and bit-plane count M. Constants only.
#pragma once

#include <cstdint>

#include "jpegxs/parameters.h"

namespace plcv::jpegxs::encoding {

// The uniform quantizer, q = ((m << z) - m + 2^M) >> (M + 1) with z = M - T + 1, is (m f + 2^14) >> 15 with f = (2^z - 1) 2^(14 - M): one
// rounding multiplication of 16-bit lanes for M up to 14.
struct QuantizerTables {
  // Words, and apart their low and high bytes, as tables of 16 bytes are wanted.
  struct Row {
    uint16_t at[16];
    uint8_t low[16], high[16];
    constexpr void set(int m, int value) {
      at[m] = static_cast<uint16_t>(value);
      low[m] = static_cast<uint8_t>(value & 255);
      high[m] = static_cast<uint8_t>(value >> 8);
    }
  };
  Row factor[kMaxPlanes + 1];              // [T][M] -> f; 0 where no plane is coded
  Row threshold[kMaxPlanes + 1];           // [T][M] -> least m with q > 0
  Row deadzone_threshold[kMaxPlanes + 1];  // the same of the deadzone quantizer, q = m >> T
  Row sign_bit[kMaxPlanes + 1];            // [T][M] -> 2^(M - T): the bit above the planes
  constexpr QuantizerTables() : factor{}, threshold{}, deadzone_threshold{}, sign_bit{} {
    for (int t = 0; t <= kMaxPlanes; ++t) {
      for (int m = 0; m < 16; ++m) {
        const bool coded = m > t && m < 15;
        const int levels = coded ? (1 << (m - t + 1)) - 1 : 1;
        factor[t].set(m, coded ? levels << (14 - m) : 0);
        threshold[t].set(m, coded ? ((1 << m) + levels - 1) / levels : 0x7FFF);
        deadzone_threshold[t].set(m, coded ? 1 << t : 0x7FFF);
        sign_bit[t].set(m, coded ? 1 << (m - t) : 0);
      }
    }
  }
};

constexpr QuantizerTables kQuantizerTables;

}  // namespace plcv::jpegxs::encoding
