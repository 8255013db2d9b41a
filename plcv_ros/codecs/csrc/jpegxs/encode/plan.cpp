// SPDX-License-Identifier: Apache-2.0
#include "jpegxs/encode/plan.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "jpegxs/encode/packet_layout.h"
#include "jpegxs/gains.h"
#include "jpegxs/write_header.h"

namespace plcv::jpegxs::encoding {
namespace {

constexpr int kSliceLines = 16;

// Levels of a side of n samples: floor(log2(n)). One more would often leave no part empty, which is all that the standard asks for, but the
// reference decoder refuses it.
int possible_levels(int n) {
  int levels = 0;
  while (n >> (levels + 1) > 0) ++levels;
  return levels;
}

// Whether every sub-packet's length fits into the short packet header, whatever the coefficients are.
bool short_headers_suffice(const Plan& plan) {
  const Geometry& g = plan.geometry;
  for (int i = 0; i < g.packets; ++i) {
    int64_t groups = 0;
    for (int b = g.packet[i].first; b < g.packet[i].last; ++b) groups += (g.band[b].width + 3) / 4;
    // At most 15 planes and a sign, a count of 16 bits, four signs.
    if (groups * 8 >= kShortLimits.data || groups * 2 >= kShortLimits.counts || (groups + 1) / 2 >= kShortLimits.signs) return false;
  }
  return true;
}

std::string bits_per_pixel(int64_t bytes, int64_t pixels, bool up) {
  const double exact = 8.0 * static_cast<double>(bytes) / static_cast<double>(pixels);
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", (up ? std::ceil(exact * 1000) : std::floor(exact * 1000)) / 1000);
  return text;
}

}  // namespace

std::string make_plan(int width, int height, PixelFormat format, const Options& options, int64_t bytes, Plan* plan) {
  plan->options = options;
  Parameters& p = plan->parameters;
  p = Parameters{};
  p.width = width;
  p.height = height;
  p.profile = options.profile;
  p.components = format == PixelFormat::mono8 ? 1 : 3;
  const bool yuv = format == PixelFormat::uyvy8 || format == PixelFormat::yuyv8;
  if (yuv) p.component[1].sx = p.component[2].sx = 2;
  p.colour_transform = options.colour_transform && p.components == 3 && !yuv;
  const Precision precision = options.lossless ? Precision::bits_of_sample : options.precision;
  p.wavelet_bits = precision == Precision::bits_20_8 ? 20 : (precision == Precision::bits_18_6 ? 18 : 8);
  p.fraction_bits = precision == Precision::bits_20_8 ? 8 : (precision == Precision::bits_18_6 ? 6 : 0);
  plan->sample_shift = p.wavelet_bits - 8 - p.fraction_bits;
  p.packet_raw = options.raw_counts;
  p.uniform_quantizer = options.uniform_quantizer;
  p.separate_signs = options.separate_signs;
  p.run_mode = options.significance && options.vertical_prediction ? 1 : 0;

  p.levels_x = std::min(options.levels_x, possible_levels(width / (yuv ? 2 : 1)));
  p.levels_y = std::min({options.levels_y, p.levels_x, possible_levels(height)});
  if (p.levels_x < 1) return "picture has width " + std::to_string(width) + ", expected at least " + std::to_string(yuv ? 4 : 2);
  p.slice_precinct_rows = kSliceLines >> p.levels_y;
  const std::string error = make_geometry(p, &plan->geometry);
  if (!error.empty()) return error;
  const Geometry& g = plan->geometry;
  p.slice_precinct_rows = std::min(p.slice_precinct_rows, g.precinct_rows);
  // Named profiles have slices of this height.
  if (p.slice_precinct_rows << p.levels_y != kSliceLines) p.profile = 0;
  if (options.weights == 0) {
    set_default_gains(g, &p);
  } else if (options.weights == g.bands) {
    std::copy_n(options.gain, g.bands, p.gain);
    std::copy_n(options.priority, g.bands, p.priority);
  } else {
    return "weights have " + std::to_string(options.weights) + " bands, expected " + std::to_string(g.bands) + " for " + std::to_string(p.levels_x) +
           "/" + std::to_string(p.levels_y) + " levels of " + std::to_string(p.components) + " components";
  }
  p.long_headers = !short_headers_suffice(*plan);

  plan->payload = 0;
  if (options.lossless) return {};
  const int64_t pixels = int64_t{width} * height;
  if (bytes < smallest_bytes(*plan)) {
    return "bpp gives " + std::to_string(bytes) + " bytes, too few for " + std::to_string(width) + "x" + std::to_string(height) +
           " pixels: the smallest possible bpp is " + bits_per_pixel(smallest_bytes(*plan), pixels, true);
  }
  if (bytes > largest_bytes(*plan)) {
    return "bpp gives " + std::to_string(bytes) + " bytes, too many for " + std::to_string(width) + "x" + std::to_string(height) +
           " pixels: the largest possible bpp is " + bits_per_pixel(largest_bytes(*plan), pixels, false);
  }
  p.length = static_cast<uint32_t>(bytes);
  plan->payload = bytes - header_bytes(p, g) - int64_t{kSliceHeaderBytes} * g.slices - kEndBytes;
  return {};
}

namespace {

int64_t total_bytes(const Plan& plan, int64_t precinct) {
  const Geometry& g = plan.geometry;
  return header_bytes(plan.parameters, g) + int64_t{kSliceHeaderBytes} * g.slices + kEndBytes + precinct * g.precinct_rows;
}

}  // namespace

int64_t smallest_bytes(const Plan& plan) {
  // At the coarsest step no coefficient is left: a header, and per packet either a flag a significance group or a count a group.
  const Geometry& g = plan.geometry;
  int64_t precinct = g.precinct_header_bytes();
  for (int i = 0; i < g.packets; ++i) {
    int64_t flags = 0, counts = 0;
    for (int b = g.packet[i].first; b < g.packet[i].last; ++b) {
      if (g.band[b].lines <= g.packet[i].line) continue;
      const int groups = (g.band[b].width + 3) / 4;
      if (plan.options.significance) {
        flags += (groups + 7) / 8;
      } else {
        counts += groups;
      }
    }
    precinct += packet_header_bytes(plan.parameters) + (flags + 7) / 8 + (counts + 7) / 8;
  }
  return total_bytes(plan, precinct);
}

int64_t largest_bytes(const Plan& plan) { return std::min<int64_t>(total_bytes(plan, kPrecinctLimit / 2), UINT32_MAX); }

}  // namespace plcv::jpegxs::encoding
