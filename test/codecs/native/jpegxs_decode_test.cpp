// SPDX-License-Identifier: Apache-2.0
// Tests the JPEG XS decoder's C++ without Python: random codestreams on every target of this machine and several numbers of threads against
// the scalar target, and all against a golden hash, so that machines of different architectures prove each other's samples. The scalar
// target itself is held by the test vectors. Prints a line a target; exits with the number of failures.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "jpegxs/decode/decode.h"
#include "jpegxs_random_stream.h"
#include "simd/targets.h"

namespace {

using namespace plcv;
using namespace plcv::jpegxs;

constexpr int kStreams = 600;
constexpr uint64_t kEmptyHash = 14695981039346656037ull;
constexpr uint64_t kGolden = 0xe28bae758676b7edull;

struct Decoded {
  std::string error;
  std::vector<std::vector<uint8_t>> planes;
  std::vector<uint8_t> pixels;
};

Decoded decode(const decoding::Kernels& kernels, const std::vector<uint8_t>& bytes, int threads) {
  Decoded result;
  decoding::Codestream codestream;
  result.error = decoding::open_codestream(bytes.data(), bytes.size(), 1 << 20, &codestream);
  if (!result.error.empty()) return result;
  const Parameters& p = codestream.parameters;
  decoding::Destination planes{}, pixels{};
  result.planes.resize(static_cast<std::size_t>(p.components));
  for (int c = 0; c < p.components; ++c) {
    std::vector<uint8_t>& plane = result.planes[static_cast<std::size_t>(c)];
    planes.stride[c] = codestream.geometry.component_width[c] * (p.component[c].depth > 8 ? 2 : 1);
    plane.resize(static_cast<std::size_t>(planes.stride[c] * codestream.geometry.component_height[c]));
    planes.start[c] = plane.data();
  }
  result.error = decoding::decode(kernels, codestream, planes, threads);
  if (!result.error.empty()) return result;
  pixels.pixels = true;
  pixels.colour = p.components == 1 ? decoding::Colour::grey_limited : (p.component[1].sx == 2 ? decoding::Colour::ycbcr : decoding::Colour::rgb);
  pixels.stride[0] = 3 * p.width;
  result.pixels.resize(static_cast<std::size_t>(3 * p.width * p.height));
  pixels.start[0] = result.pixels.data();
  result.error = decoding::decode(kernels, codestream, pixels, threads);
  return result;
}

uint64_t hash(uint64_t h, const std::vector<uint8_t>& bytes) {
  for (const uint8_t byte : bytes) h = (h ^ byte) * 1099511628211ull;
  return h;
}

int check(simd::Target target) {
  testing::Random random{88172645463325252ull};
  uint64_t all = kEmptyHash;
  int different = 0, refused = 0;
  for (int i = 0; i < kStreams; ++i) {
    const testing::RandomStream stream(random, i % 4 == 0 ? 300 : 70);
    const Decoded expected = decode(decoding::kernels_scalar(), stream.bytes(), 1);
    const Decoded got = decode(decoding::kernels_for(target), stream.bytes(), 1 + i % 3);
    if (!expected.error.empty() || !got.error.empty()) {
      if (refused++ == 0) std::printf("stream %d: %s / %s\n", i, expected.error.c_str(), got.error.c_str());
      continue;
    }
    different += got.planes != expected.planes || got.pixels != expected.pixels;
    for (const auto& plane : expected.planes) all = hash(all, plane);
    all = hash(all, expected.pixels);
  }
  const bool same = different == 0 && refused == 0 && all == kGolden;
  std::printf("%-4s %-7s %d streams, %d different, %d refused, samples %016llx\n", same ? "ok" : "FAIL", simd::name(target), kStreams, different,
              refused, static_cast<unsigned long long>(all));
  return same ? 0 : 1;
}

// Every colour that 8-bit Y, Cb and Cr can have, in lines of all kinds of lengths, against ITU-R BT.601 as the scalar target states it.
int check_colours(simd::Target target) {
  constexpr decoding::ColourMatrix kMatrices[] = {{0, 65536, 91881, 22554, 46802, 116130}, {16, 76309, 104597, 25675, 53279, 132201}};
  constexpr int kPixels = 512, kGuard = 64;
  const decoding::Kernels &kernels = decoding::kernels_for(target), &scalar = decoding::kernels_scalar();
  std::vector<uint8_t> y(kPixels + decoding::kReadAhead), cb(y.size()), cr(y.size());
  std::vector<uint8_t> expected(3 * kPixels + kGuard), got(expected.size());
  int different = 0, lines = 0;
  for (const decoding::ColourMatrix& matrix : kMatrices) {
    for (int red = 0; red < 256; ++red) {
      for (int blue = 0; blue < 256; blue += 2, ++lines) {
        // A colour difference changes from one half of the line to the other, so that a step in it is seen where it is not at a vector's edge.
        const bool halved = lines % 2 != 0;
        const int n = lines % 8 < 6 ? kPixels : 1 + lines / 8 % kPixels, step = halved ? kPixels / 4 : kPixels / 2;
        for (int i = 0; i < kPixels; ++i) {
          y[static_cast<std::size_t>(i)] = static_cast<uint8_t>(i);
          cb[static_cast<std::size_t>(i)] = static_cast<uint8_t>(blue + i / step % 2);
          cr[static_cast<std::size_t>(i)] = static_cast<uint8_t>(red);
        }
        std::fill(expected.begin(), expected.end(), uint8_t{0xA5});
        std::fill(got.begin(), got.end(), uint8_t{0xA5});
        scalar.ycbcr_to_rgb8(y.data(), cb.data(), cr.data(), n, halved, matrix, expected.data());
        kernels.ycbcr_to_rgb8(y.data(), cb.data(), cr.data(), n, halved, matrix, got.data());
        different += got != expected;
      }
    }
  }
  std::printf("%-4s %-7s %d lines of YCbCr, %d different\n", different == 0 ? "ok" : "FAIL", simd::name(target), lines, different);
  return different == 0 ? 0 : 1;
}

}  // namespace

int main() {
  int failures = 0;
  for (const simd::Target target : simd::available()) failures += check(target) + check_colours(target);
  return failures;
}
