// SPDX-License-Identifier: Apache-2.0
// Pictures from a seed, the same on every machine, and a hash of bytes: what the C++ tests share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace plcv::test {

struct Random {
  uint32_t state;
  uint32_t next() {
    state = state * 1664525u + 1013904223u;
    return state >> 8;
  }
  int below(int n) { return static_cast<int>(next() % static_cast<uint32_t>(n)); }
};

inline uint64_t hash(uint64_t h, const std::vector<uint8_t>& bytes) {
  for (uint8_t b : bytes) h = (h ^ b) * 1099511628211ull;
  return h;
}

constexpr uint64_t kEmptyHash = 14695981039346656037ull;

// Noise, extremes, gradients, flat and nearly flat pictures, edges between two colours (also of equal luma).
inline std::vector<uint8_t> picture(int kind, int width, int height, int channels, Random& random) {
  std::vector<uint8_t> p(static_cast<std::size_t>(width) * height * channels);
  int a[4], b[4];
  for (int c = 0; c < 4; ++c) {
    a[c] = random.below(256);
    b[c] = random.below(256);
  }
  std::size_t i = 0;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < channels; ++c, ++i) {
        int value = 0;
        switch (kind) {
          case 0:
            value = random.below(256);
            break;
          case 1:
            value = random.below(2) * 255;
            break;
          case 2:
            value = (x * (a[c] - 128) + y * (b[c] - 128)) / 64 + 128 + random.below(9) - 4;
            break;
          case 3:
            value = a[c];
            break;
          case 4:
            value = a[c] + random.below(5) - 2;
            break;
          default:
            value = ((x * 5 + y * 3) / 17 % 2 ? a[c] : b[c]) + random.below(13) - 6;
        }
        p[i] = static_cast<uint8_t>(value < 0 ? 0 : (value > 255 ? 255 : value));
      }
    }
  }
  return p;
}

}  // namespace plcv::test
