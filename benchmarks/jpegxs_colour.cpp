// SPDX-License-Identifier: Apache-2.0
// How long the JPEG XS decoder takes from 8-bit Y, Cb, Cr to rgb8: the kernels of every instruction set against a loop that divides, as
// plain code does it. All take turns in one process, on the rows of a 1920x1080 frame of 4:2:2 or 4:2:0 (which share the stage) and of
// 4:4:4. Prints medians, and the loop's median divided by each.
//   make -C test/codecs/native jpegxs_colour
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>

#include "jpegxs/decode/kernels.h"
#include "simd/targets.h"

namespace {

using namespace plcv;
using namespace plcv::jpegxs::decoding;

constexpr int kWidth = 1920, kHeight = 1080, kRounds = 101;
constexpr ColourMatrix kFullRange = {0, 65536, 91881, 22554, 46802, 116130};

uint8_t clamp8(int value) { return static_cast<uint8_t>(std::clamp(value, 0, 255)); }

// sx is not known when this is compiled: two divisions a pixel.
__attribute__((noinline)) void dividing_loop(const ColourMatrix& m, const uint8_t* y, const uint8_t* cb, const uint8_t* cr, int n, int sx,
                                             uint8_t* rgb) {
  for (int x = 0; x < n; ++x, rgb += 3) {
    const int luma = m.y * (y[x] - m.black) + (1 << 15), b = cb[x / sx] - 128, r = cr[x / sx] - 128;
    rgb[0] = clamp8((luma + m.r * r) >> 16);
    rgb[1] = clamp8((luma - m.gb * b - m.gr * r) >> 16);
    rgb[2] = clamp8((luma + m.b * b) >> 16);
  }
}

template <class Row>
double frame_ms(std::vector<uint8_t>& pixels, const Row& row) {
  const auto start = std::chrono::steady_clock::now();
  for (int y = 0; y < kHeight; ++y) row(y, pixels.data() + std::size_t{3} * kWidth * static_cast<std::size_t>(y));
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main() {
  // Rows come from buffers of a line that the stage before has just written.
  std::vector<uint8_t> lines(3 * (kWidth + kLineAlign));
  uint32_t state = 1;
  for (uint8_t& sample : lines) sample = static_cast<uint8_t>((state = state * 1664525u + 1013904223u) >> 24);
  const uint8_t *y = lines.data(), *cb = y + kWidth + kLineAlign, *cr = cb + kWidth + kLineAlign;
  std::vector<uint8_t> expected(std::size_t{3} * kWidth * kHeight), pixels(expected.size());
  int different = 0;
  std::printf("| components | code | ms a frame | loop / this |\n| --- | --- | --- | --- |\n");
  for (const int sx : {2, 1}) {
    const auto& targets = simd::available();
    std::vector<double> loop_ms;
    std::vector<std::vector<double>> target_ms(targets.size());
    for (int round = 0; round < kRounds; ++round) {
      loop_ms.push_back(frame_ms(expected, [&](int, uint8_t* rgb) { dividing_loop(kFullRange, y, cb, cr, kWidth, sx, rgb); }));
      for (std::size_t i = 0; i < targets.size(); ++i) {
        const Kernels& kernels = kernels_for(targets[i]);
        target_ms[i].push_back(frame_ms(pixels, [&](int, uint8_t* rgb) { kernels.ycbcr_to_rgb8(y, cb, cr, kWidth, sx == 2, kFullRange, rgb); }));
        different += pixels != expected;
      }
    }
    const char* const name = sx == 2 ? "4:2:2, 4:2:0" : "4:4:4";
    const double loop = median(loop_ms);
    std::printf("| %s | dividing loop | %.2f | 1.0 |\n", name, loop);
    for (std::size_t i = 0; i < targets.size(); ++i)
      std::printf("| %s | %s | %.2f | %.1f |\n", name, simd::name(targets[i]), median(target_ms[i]), loop / median(target_ms[i]));
  }
  if (different != 0) std::printf("FAIL %d frames differ from the loop's\n", different);
  return different == 0 ? 0 : 1;
}
