// SPDX-License-Identifier: Apache-2.0
// The portable kernels: the reference of all others, as close to the text of the standard as the 16-bit pipeline allows.
#include "jpegxs/encode/bit_writer.h"
#include "jpegxs/encode/kernels.h"

namespace plcv::jpegxs::encoding {
namespace {

int max(int a, int b) { return a > b ? a : b; }
int16_t saturated(int value) { return static_cast<int16_t>(value > 32767 ? 32767 : (value < -32768 ? -32768 : value)); }
int magnitude(int c) { return c < 0 ? -c : c; }
int bit_length(int value) { return value == 0 ? 0 : 32 - __builtin_clz(static_cast<unsigned>(value)); }

void store(const SplitLine& line, int x, int value) {
  int16_t* part = x % 2 == 0 ? line.even : line.odd;
  part[x / 2] = static_cast<int16_t>(value);
}

void load(const uint8_t* pixels, const Loading& loading, int width, const SplitLine* lines) {
  const int shift = loading.shift;
  const auto centred = [shift](int sample) { return (sample - 128) * (1 << shift); };
  switch (loading.format) {
    case PixelFormat::mono8:
      for (int x = 0; x < width; ++x) store(lines[0], x, centred(pixels[x]));
      return;
    case PixelFormat::uyvy8:
    case PixelFormat::yuyv8: {
      const int luma = loading.format == PixelFormat::uyvy8 ? 1 : 0;
      for (int x = 0; x < width; ++x) store(lines[0], x, centred(pixels[2 * x + luma]));
      for (int x = 0; x < width / 2; ++x) {
        store(lines[1], x, centred(pixels[4 * x + 1 - luma]));
        store(lines[2], x, centred(pixels[4 * x + 3 - luma]));
      }
      return;
    }
    default:
      break;
  }
  const int bytes = bytes_per_pixel(loading.format);
  const bool bgr = loading.format == PixelFormat::bgr8 || loading.format == PixelFormat::bgra8;
  for (int x = 0; x < width; ++x) {
    const uint8_t* pixel = pixels + bytes * x;
    const int r = centred(pixel[bgr ? 2 : 0]), g = centred(pixel[1]), b = centred(pixel[bgr ? 0 : 2]);
    store(lines[0], x, loading.colour_transform ? (r + 2 * g + b) >> 2 : r);
    store(lines[1], x, loading.colour_transform ? b - g : g);
    store(lines[2], x, loading.colour_transform ? r - g : b);
  }
}

void predict(const int16_t* a, const int16_t* middle, const int16_t* b, int n, int16_t* out) {
  for (int i = 0; i < n; ++i) out[i] = saturated(middle[i] - (saturated(a[i] + b[i]) >> 1));
}

void update(const int16_t* middle, const int16_t* a, const int16_t* b, int n, int16_t* out) {
  for (int i = 0; i < n; ++i) out[i] = saturated(middle[i] + (saturated(saturated(a[i] + b[i]) + 2) >> 2));
}

void lift(const int16_t* top, const int16_t* middle, const int16_t* bottom, const int16_t* high_above, int n, int16_t* high, int16_t* low) {
  predict(top, middle, bottom, n, high);
  update(top, high_above, high, n, low);
}

void split(const int16_t* in, int n, SplitLine out) {
  for (int i = 0; i < n; ++i) store(out, i, in[i]);
}

void count_planes(int16_t* coefficients, int groups, uint8_t* planes, uint8_t* maxima) {
  constexpr int kLimit = (1 << 14) - 1;
  for (int g = 0; g < groups; ++g) {
    int all = 0;
    for (int i = 4 * g; i < 4 * g + 4; ++i) {
      if (coefficients[i] > kLimit) coefficients[i] = kLimit;
      if (coefficients[i] < -kLimit) coefficients[i] = -kLimit;
      all |= magnitude(coefficients[i]);
    }
    planes[g] = static_cast<uint8_t>(bit_length(all));
    if (g % kSignificanceGroupSize == 0) maxima[g / kSignificanceGroupSize] = 0;
    uint8_t& maximum = maxima[g / kSignificanceGroupSize];
    if (planes[g] > maximum) maximum = planes[g];
  }
}

LineSums line_sums(const BandLine& line) {
  LineSums sums{};
  for (int g = 0; g < line.groups; ++g) {
    sums.planes += max(line.planes[g] - line.truncation, 0);
    sums.groups += line.planes[g] > line.truncation;
    sums.coded += line.maxima[g / kSignificanceGroupSize] > line.truncation;
  }
  return sums;
}

// The value of the unary code of group g.
int predicted_code(const BandLine& line, int g) {
  const int prediction = max(max(line.above[g], line.truncation), line.truncation_above), theta = prediction - line.truncation;
  const int delta = max(line.planes[g], line.truncation) - prediction;
  return delta < 0 ? -2 * delta - 1 : (delta <= theta ? 2 * delta : delta + theta);
}

PredictedSums predicted_sums(const BandLine& line) {
  PredictedSums sums{};
  for (int g = 0; g < line.groups; ++g) {
    const int bits = predicted_code(line, g) + 1;
    sums.all += bits;
    if (line.maxima[g / kSignificanceGroupSize] > line.truncation) sums.coded += bits;
  }
  return sums;
}

int quantized(int m, int planes, int truncation, bool uniform) {
  if (planes <= truncation) return 0;
  if (!uniform) return m >> truncation;
  return ((m << (planes - truncation + 1)) - m + (1 << planes)) >> (planes + 1);
}

int count_nonzero(const BandLine& line, bool uniform) {
  int count = 0;
  for (int i = 0; i < 4 * line.groups; ++i) {
    count += quantized(magnitude(line.coefficients[i]), line.planes[i / 4], line.truncation, uniform) != 0;
  }
  return count;
}

bool is_significant(const BandLine& line, int group) { return line.maxima[group / kSignificanceGroupSize] > line.truncation; }

uint8_t* pack_flags(const BandLine* lines, int count, uint8_t* out) {
  BitWriter writer(out);
  for (const BandLine* line = lines; line < lines + count; ++line) {
    if ((line->mode & kSignificance) == 0) continue;
    for (int g = 0; g < line->groups; g += kSignificanceGroupSize) writer.put(is_significant(*line, g) ? 0 : 1, 1);
  }
  return writer.finish();
}

uint8_t* pack_counts(const BandLine* lines, int count, uint8_t* out) {
  BitWriter writer(out);
  for (const BandLine* line = lines; line < lines + count; ++line) {
    for (int g = 0; g < line->groups; ++g) {
      if ((line->mode & kSignificance) != 0 && !is_significant(*line, g)) continue;
      const int code = (line->mode & kPrediction) != 0 ? predicted_code(*line, g) : max(line->planes[g] - line->truncation, 0);
      writer.put((1u << code) - 1, code);
      writer.put(0, 1);
    }
  }
  return writer.finish();
}

uint8_t* pack_raw_counts(const BandLine* lines, int count, uint8_t* out) {
  BitWriter writer(out);
  for (const BandLine* line = lines; line < lines + count; ++line) {
    for (int g = 0; g < line->groups; ++g) writer.put(line->planes[g], 4);
  }
  return writer.finish();
}

uint8_t* pack_data(const BandLine* lines, int count, Quantizer quantizer, uint8_t* out, uint8_t* signs, uint8_t** signs_end, uint8_t*) {
  BitWriter data(out), sign(signs);
  for (const BandLine* line = lines; line < lines + count; ++line) {
    for (int g = 0; g < line->groups; ++g) {
      const int planes = line->planes[g] - line->truncation;
      if (planes <= 0) continue;
      int q[4];
      for (int i = 0; i < 4; ++i) {
        const int c = line->coefficients[4 * g + i];
        q[i] = quantized(magnitude(c), line->planes[g], line->truncation, quantizer.uniform);
        const bool negative = q[i] != 0 && c < 0;
        if (!quantizer.separate_signs) {
          data.put(negative, 1);
        } else if (q[i] != 0) {
          sign.put(negative, 1);
        }
      }
      for (int plane = planes - 1; plane >= 0; --plane) {
        for (const int index : q) data.put(static_cast<uint32_t>(index >> plane & 1), 1);
      }
    }
  }
  *signs_end = sign.finish();
  return data.finish();
}

}  // namespace

const Kernels& kernels_scalar() {
  static constexpr Kernels kTable = {&load,           &predict,       &update,     &lift,        &split,           &count_planes, &line_sums,
                                     &predicted_sums, &count_nonzero, &pack_flags, &pack_counts, &pack_raw_counts, &pack_data};
  return kTable;
}

}  // namespace plcv::jpegxs::encoding
