// SPDX-License-Identifier: Apache-2.0
// What one frame leaves in a thread's working memory must not reach the next one: layouts_test [layouts] [seed]. Frames of random layouts
// (size, pixel format, coding tools, rate, strips) pass through both codecs, one after the other on one thread. Every target must give the
// bytes and pixels that the scalar target gives on a thread that has seen no frame before, and every stream must decode. Prints a line a
// frame that fails, and a sum; exits with 1 where one failed.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "astc/decode.h"
#include "astc/encode.h"
#include "astc/header.h"
#include "jpegxs/decode/decode.h"
#include "jpegxs/encode/encode.h"
#include "jpegxs/write_header.h"
#include "pictures.h"
#include "simd/targets.h"

namespace {

using namespace plcv;
using namespace plcv::test;
using Bytes = std::vector<uint8_t>;
namespace encoding = jpegxs::encoding;
namespace decoding = jpegxs::decoding;

template <class Work>
Bytes on_new_thread(const Work& work) {
  Bytes result;
  std::thread([&] { result = work(); }).join();
  return result;
}

// A picture in memory of exactly its size.
struct Frame {
  int width, height;
  PixelFormat format;
  Bytes pixels;
  ImageView view() const { return {pixels.data(), static_cast<std::ptrdiff_t>(width) * bytes_per_pixel(format), width, height, format}; }
  std::string text() const { return std::to_string(width) + "x" + std::to_string(height) + ", format " + std::to_string(static_cast<int>(format)); }
};

bool is_422(PixelFormat format) { return format == PixelFormat::uyvy8 || format == PixelFormat::yuyv8; }

Frame random_frame(Random& random, int formats) {
  Frame frame{};
  frame.format = static_cast<PixelFormat>(random.below(formats));
  // Narrow ones, any, and those whose lines have about a multiple of 64 code groups in one band or another.
  const int kind = random.below(4);
  if (kind == 0) {
    frame.width = 4 + random.below(60);
  } else if (kind == 1) {
    frame.width = 4 + random.below(1500);
  } else {
    frame.width = (512 << random.below(3)) * (is_422(frame.format) ? 2 : 1) - 24 + random.below(32);
  }
  if (is_422(frame.format)) frame.width &= ~1;
  frame.height = 1 + random.below(kind == 0 ? 70 : 24);
  frame.pixels = picture(random.below(6), frame.width, frame.height, bytes_per_pixel(frame.format), random);
  return frame;
}

encoding::Options random_options(Random& random) {
  encoding::Options o;
  const auto usually = [&] { return random.below(4) != 0; };
  o.levels_x = usually() ? 5 : 1 + random.below(5);
  o.levels_y = std::min(o.levels_x, random.below(3));
  o.lossless = random.below(8) == 0;
  o.rate_control = usually() ? encoding::RateControl::slice : encoding::RateControl::picture;
  o.search = usually() ? encoding::Search::guess : encoding::Search::full;
  o.precision = usually() ? encoding::Precision::bits_20_8 : encoding::Precision::bits_of_sample;
  o.colour_transform = usually();
  o.significance = usually();
  o.vertical_prediction = usually();
  o.raw_counts = usually();
  o.uniform_quantizer = usually();
  o.separate_signs = usually();
  return o;
}

Bytes decoded(simd::Target target, const Bytes& stream, bool to_pixels) {
  decoding::Codestream codestream;
  std::string error = decoding::open_codestream(stream.data(), stream.size(), int64_t{1} << 28, &codestream);
  if (!error.empty()) return Bytes(error.begin(), error.end());
  const jpegxs::Parameters& p = codestream.parameters;
  decoding::Destination destination{};
  destination.pixels = to_pixels;
  destination.colour = p.components == 1 ? decoding::Colour::grey : (p.component[1].sx == 2 ? decoding::Colour::ycbcr : decoding::Colour::rgb);
  std::size_t size = 0, start[jpegxs::kMaxComponents] = {};
  for (int c = 0; c < (to_pixels ? 1 : p.components); ++c) {
    destination.stride[c] = to_pixels ? 3 * p.width : codestream.geometry.component_width[c];
    start[c] = size;
    size += static_cast<std::size_t>(destination.stride[c] * (to_pixels ? p.height : codestream.geometry.component_height[c]));
  }
  Bytes samples(size);
  for (int c = 0; c < p.components; ++c) destination.start[c] = samples.data() + start[c];
  error = decoding::decode(decoding::kernels_for(target), codestream, destination, 1);
  return error.empty() ? samples : Bytes(error.begin(), error.end());
}

Bytes encoded(simd::Target target, const encoding::Plan& plan, const ImageView& view) {
  const encoding::Kernels& kernels = encoding::kernels_for(target);
  if (plan.options.lossless) return encoding::encode_lossless(kernels, plan, view, 1);
  Bytes stream(plan.parameters.length);
  encoding::encode(kernels, plan, view, 1, stream.data());
  return stream;
}

Bytes encoded_strip(simd::Target target, const encoding::Plan& plan, const ImageView& view, int first, int last) {
  Bytes strip(static_cast<std::size_t>(encoding::strip_bytes(plan, first, last)));
  encoding::encode_strip(encoding::kernels_for(target), plan, view, first, last, strip.data());
  return strip;
}

// Empty, or what is wrong.
std::string check_jpegxs(Random& random) {
  const Frame frame = random_frame(random, 7);
  encoding::Options options = random_options(random);
  const bool lossless = options.lossless;
  encoding::Plan plan;
  options.lossless = true;
  std::string error = encoding::make_plan(frame.width, frame.height, frame.format, options, 0, &plan);
  if (!error.empty()) return error;
  options.lossless = lossless;
  // From the smallest rate to one at which everything is coded.
  const int64_t bytes =
      std::min(encoding::smallest_bytes(plan) + int64_t{frame.width} * frame.height * random.below(9) / 2 + 1, encoding::largest_bytes(plan));
  error = encoding::make_plan(frame.width, frame.height, frame.format, options, bytes, &plan);
  if (!error.empty()) return error;
  const std::string name = "jpegxs " + frame.text() + ", levels " + std::to_string(plan.parameters.levels_x) + "/" +
                           std::to_string(plan.parameters.levels_y) + ", " + std::to_string(bytes) + " bytes: ";

  const Bytes stream = on_new_thread([&] { return encoded(simd::Target::scalar, plan, frame.view()); });
  const Bytes planes = on_new_thread([&] { return decoded(simd::Target::scalar, stream, false); });
  const Bytes pixels = on_new_thread([&] { return decoded(simd::Target::scalar, stream, true); });
  if (pixels.size() != static_cast<std::size_t>(3 * frame.width * frame.height))
    return name + "does not decode: " + std::string(pixels.begin(), pixels.end());
  const int slices = plan.geometry.slices, first = random.below(slices), last = first + 1 + random.below(slices - first);
  const bool strips = !lossless && options.rate_control == encoding::RateControl::slice;
  for (const simd::Target target : simd::available()) {
    const std::string on = name + simd::name(target) + " ";
    if (encoded(target, plan, frame.view()) != stream) return on + "encodes to other bytes";
    if (decoded(target, stream, false) != planes) return on + "decodes to other planes";
    if (decoded(target, stream, true) != pixels) return on + "decodes to other pixels";
    if (!strips) continue;
    const Bytes strip = encoded_strip(target, plan, frame.view(), first, last);
    const auto header = static_cast<std::ptrdiff_t>(jpegxs::header_bytes(plan.parameters, plan.geometry));
    const auto body = std::search(stream.begin() + header, stream.end(), strip.begin() + header, strip.end() - jpegxs::kEndBytes);
    if (body == stream.end()) return on + "encodes a strip to bytes that are not those of the frame's slices";
  }
  return {};
}

std::string check_astc(Random& random) {
  const Frame frame = random_frame(random, 5);
  const int mode = random.below(astc::kModeCount);
  int preset = random.below(astc::kPresets);
  if (astc::kernels_scalar().mode[mode].encode[preset] == nullptr) preset = 0;
  const astc::Header header{astc::kBlockModes[mode].block_x, astc::kBlockModes[mode].block_y, frame.width, frame.height};
  const std::string name = "astc " + frame.text() + ", mode " + std::to_string(mode) + ", preset " + std::to_string(preset) + ": ";
  const auto encode = [&](simd::Target target) {
    Bytes payload(static_cast<std::size_t>(header.payload_bytes()));
    astc::encode(astc::kernels_for(target), frame.view(), mode, static_cast<astc::Preset>(preset), 1, payload.data());
    return payload;
  };
  const auto decode = [&](simd::Target target, const Bytes& payload) {
    Bytes pixels(static_cast<std::size_t>(3 * frame.width * frame.height));
    if (astc::decode(astc::kernels_for(target), header, payload.data() + astc::kHeaderBytes, pixels.data(), 3 * frame.width, 1) != astc::kAllDecoded)
      pixels.clear();
    return pixels;
  };
  const Bytes payload = on_new_thread([&] { return encode(simd::Target::scalar); });
  const Bytes pixels = on_new_thread([&] { return decode(simd::Target::scalar, payload); });
  if (pixels.empty()) return name + "does not decode";
  for (const simd::Target target : simd::available()) {
    if (encode(target) != payload) return name + simd::name(target) + " encodes to other bytes";
    if (decode(target, payload) != pixels) return name + simd::name(target) + " decodes to other pixels";
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  const int layouts = argc > 1 ? std::atoi(argv[1]) : 300;
  Random random{argc > 2 ? static_cast<uint32_t>(std::strtoul(argv[2], nullptr, 10)) : 1u};
  int failures = 0;
  for (int i = 0; i < layouts; ++i) {
    for (const std::string& error : {check_jpegxs(random), check_astc(random)}) {
      if (error.empty()) continue;
      ++failures;
      std::printf("FAIL layout %d: %s\n", i, error.c_str());
    }
  }
  std::printf("%d layouts, %d failures\n", layouts, failures);
  return failures == 0 ? 0 : 1;
}
