// SPDX-License-Identifier: Apache-2.0
// Tests the JPEG XS encoder's C++ without Python: every target of this machine against the scalar one, any number of threads, and golden
// hashes, so that machines of different architectures prove each other's bytes. Prints a line a check; exits with the number of failures.
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "jpegxs/encode/encode.h"
#include "jpegxs/write_header.h"
#include "pictures.h"
#include "simd/targets.h"

namespace {

using namespace plcv;
using namespace plcv::jpegxs::encoding;
using namespace plcv::test;

struct Case {
  const char* name;
  void (*set)(Options*);
  uint64_t streams;
};

constexpr Case kCases[] = {
    {"high", [](Options*) {}, 0x17b63a0ac800d640u},
    {"main", [](Options* o) { o->levels_y = 1; }, 0x7a17c33a83c57a34u},
    {"5/0, searched in full", [](Options* o) { o->levels_y = 0, o->search = Search::full; }, 0xb618e5a33ef7d2adu},
    {"deadzone, signs inline", [](Options* o) { o->uniform_quantizer = o->separate_signs = false; }, 0x2da9be5d4bcf66ecu},
    {"uniform, signs inline", [](Options* o) { o->separate_signs = o->vertical_prediction = false; }, 0x7f6270a9846fa54du},
    {"no flags, no raw counts", [](Options* o) { o->significance = o->raw_counts = false; }, 0x444c8ce40c822fcau},
    {"no colour transform", [](Options* o) { o->colour_transform = false; }, 0x7e0fdda5c7c653b1u},
    {"B/0, over the picture", [](Options* o) { o->precision = Precision::bits_of_sample, o->rate_control = RateControl::picture; },
     0xb25bc45cfc8a1624u},
    {"lossless", [](Options* o) { o->lossless = true; }, 0xf93ddce6b7a92bdbu},
};

std::vector<uint8_t> encoded(const Kernels& kernels, const Plan& plan, const ImageView& view, int threads) {
  if (plan.options.lossless) return encode_lossless(kernels, plan, view, threads);
  // Bytes behind the end tell of writes beyond it.
  std::vector<uint8_t> stream(plan.parameters.length + 64, 0xA5);
  encode(kernels, plan, view, threads, stream.data());
  for (std::size_t i = plan.parameters.length; i < stream.size(); ++i) {
    if (stream[i] != 0xA5) std::printf("FAIL byte %zu behind the end was written\n", i - plan.parameters.length);
  }
  stream.resize(plan.parameters.length);
  return stream;
}

int check(const Case& test, simd::Target target) {
  const Kernels &kernels = kernels_for(target), &scalar = kernels_scalar();
  Random random{4711};
  uint64_t streams = kEmptyHash;
  int different = 0;
  for (int i = 0; i < 84; ++i) {
    const auto format = static_cast<PixelFormat>(i % 7);
    const bool yuv = format == PixelFormat::uyvy8 || format == PixelFormat::yuyv8;
    const int channels = bytes_per_pixel(format), least = yuv ? 4 : 2;
    int width = least + random.below(i % 6 == 0 ? 700 : 120);
    if (yuv) width &= ~1;
    const int height = 1 + random.below(60);
    const std::vector<uint8_t> pixels = picture(i % 6, width, height, channels, random);
    const ImageView view{pixels.data(), static_cast<std::ptrdiff_t>(width) * channels, width, height, format};
    Options options;
    test.set(&options);
    Plan plan;
    // From the smallest rate up to one at which everything is coded.
    options.lossless = true;
    if (!make_plan(width, height, format, options, 0, &plan).empty()) ++different;
    const int64_t smallest = smallest_bytes(plan), bytes = smallest + width * height * random.below(1 + 3 * (i % 4)) / 4;
    options = Options{};
    test.set(&options);
    if (!make_plan(width, height, format, options, bytes, &plan).empty()) ++different;
    const std::vector<uint8_t> reference = encoded(scalar, plan, view, 1);
    different += encoded(kernels, plan, view, 1 + i % 3) != reference;
    streams = hash(streams, reference);
  }
  const bool same = different == 0 && streams == test.streams;
  std::printf("%-4s %-7s %-24s %d different, streams %016llx\n", same ? "ok" : "FAIL", simd::name(target), test.name, different,
              static_cast<unsigned long long>(streams));
  return same ? 0 : 1;
}

}  // namespace

int main() {
  int failures = 0;
  for (const simd::Target target : simd::available()) {
    for (const Case& test : kCases) failures += check(test, target);
  }
  return failures;
}
