// SPDX-License-Identifier: Apache-2.0
// Constant tables of the vector kernels. In an anonymous namespace: every target has its own copy.
#pragma once

#include <cstdint>

namespace plcv::jpegxs::decoding {
namespace {

// Uniform inverse quantization sums v >> z, v >> 2z, ... for v = q << T. With z larger than the number of bits of q, the shifted copies of q
// do not overlap: no carries, so the sum of the floors is the floor of the product with 2^-z + 2^-2z + ..., of which 16 bits suffice.
// Entry n holds that factor times 2^16, for groups of n bit planes (z = n + 1).
struct UniformFactors {
  uint16_t factor[32];
  constexpr UniformFactors() : factor{} {
    for (int n = 1; n <= 15; ++n) {
      for (int bit = 16 - (n + 1); bit >= 0; bit -= n + 1) factor[n] = static_cast<uint16_t>(factor[n] | (1 << bit));
    }
  }
};

// A byte's bits in the opposite order.
struct ReversedBytes {
  uint8_t byte[256];
  constexpr ReversedBytes() : byte{} {
    for (int i = 0; i < 256; ++i) {
      for (int bit = 0; bit < 8; ++bit) byte[i] = static_cast<uint8_t>(byte[i] | (((i >> bit) & 1) << (7 - bit)));
    }
  }
};

// The unary code words that end in a byte: the first one's ones are counted from the byte's start.
struct UnaryBytes {
  uint8_t value[256][8];
  uint8_t count[256];
  uint8_t trailing[256];  // ones behind the last end
  constexpr UnaryBytes() : value{}, count{}, trailing{} {
    for (int i = 0; i < 256; ++i) {
      int ones = 0;
      for (int bit = 7; bit >= 0; --bit) {
        if (((i >> bit) & 1) != 0) {
          ++ones;
        } else {
          value[i][count[i]++] = static_cast<uint8_t>(ones);
          ones = 0;
        }
      }
      trailing[i] = static_cast<uint8_t>(ones);
    }
  }
};

// Signs of the four coefficients of a group from the sign sub-packet: [which are not zero][next four sign bits], the first one on top.
struct SpreadSigns {
  uint8_t signs[16][16];
  constexpr SpreadSigns() : signs{} {
    for (int present = 0; present < 16; ++present) {
      for (int bits = 0; bits < 16; ++bits) {
        int next = 3;
        for (int c = 3; c >= 0; --c) {
          if (((present >> c) & 1) != 0) signs[present][bits] = static_cast<uint8_t>(signs[present][bits] | (((bits >> next--) & 1) << c));
        }
      }
    }
  }
};

// The bits of a nibble, the top one on top, as four 16-bit parts of a word with the top one's at the bottom.
struct SpreadPlanes {
  uint64_t word[16];
  constexpr SpreadPlanes() : word{} {
    for (int nibble = 0; nibble < 16; ++nibble) {
      for (int c = 0; c < 4; ++c) word[nibble] |= static_cast<uint64_t>((nibble >> (3 - c)) & 1) << (16 * c);
    }
  }
};

constexpr UniformFactors kUniformFactors;
constexpr ReversedBytes kReversedBytes;
constexpr UnaryBytes kUnaryBytes;
constexpr SpreadSigns kSpreadSigns;
constexpr SpreadPlanes kSpreadPlanes;

}  // namespace
}  // namespace plcv::jpegxs::decoding
