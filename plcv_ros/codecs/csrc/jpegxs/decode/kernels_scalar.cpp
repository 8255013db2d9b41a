// SPDX-License-Identifier: Apache-2.0
// The kernels stated plainly: the portable fallback, and the reference that the others are tested against.
#include <algorithm>

#include "jpegxs/decode/kernels.h"
#include "jpegxs/parameters.h"

namespace plcv::jpegxs::decoding {
namespace {

constexpr int kMaxUnary = 31;

int bit_at(const uint8_t* data, int64_t index) { return (data[index >> 3] >> (7 - (index & 7))) & 1; }
int nibble_at(const uint8_t* data, int64_t index) { return (data[index >> 1] >> ((index & 1) != 0 ? 0 : 4)) & 15; }

int up_to(int n, int unit) { return (n + unit - 1) / unit * unit; }

bool unary(const uint8_t* data, int64_t bytes, int64_t count, uint8_t* values) {
  const int64_t bits = 8 * bytes;
  int64_t at = 0;
  for (int64_t i = 0; i < count; ++i) {
    int ones = 0;
    for (; at < bits && bit_at(data, at) != 0; ++at) ++ones;
    if (at == bits || ones > kMaxUnary) return false;
    ++at;
    values[i] = static_cast<uint8_t>(ones);
  }
  return true;
}

void raw_counts(const uint8_t* data, int64_t first, int groups, uint8_t* counts) {
  for (int g = 0; g < groups; ++g) counts[g] = static_cast<uint8_t>(nibble_at(data, first + g));
  std::fill(counts + groups, counts + up_to(groups, kLineAlign), uint8_t{0});
}

int64_t counts(const CountsJob& job) {
  const int t = job.truncation;
  const uint8_t* value = job.values;
  int largest = 0;
  for (int g = 0; g < job.groups; ++g) {
    const int prediction = job.vertical ? std::max({int{job.counts[g]}, t, job.truncation_above}) : t;
    int m;
    if (job.flags != nullptr && bit_at(job.flags, job.first_flag + g / kSignificanceGroupSize) != 0) {
      m = job.run_mode == 0 ? prediction : t;
    } else {
      const int x = *value++, theta = prediction - t;
      if (x > 2 * theta) {
        m = prediction + x - theta;
      } else {
        m = prediction + ((x & 1) != 0 ? -(x + 1) / 2 : x / 2);
      }
    }
    largest = std::max(largest, m);
    job.counts[g] = static_cast<uint8_t>(m);
  }
  std::fill(job.counts + job.groups, job.counts + up_to(job.groups, kLineAlign), uint8_t{0});
  return largest > kMaxPlanes ? -1 : value - job.values;
}

int64_t data_nibbles(const uint8_t* counts, int groups, int truncation, bool separate_signs) {
  int64_t sum = 0;
  for (int g = 0; g < groups; ++g) {
    const int planes = counts[g] - truncation;
    if (planes > 0) sum += planes + (separate_signs ? 0 : 1);
  }
  return sum;
}

// Magnitude of quantization index q, in a group with `planes` bit planes above truncation position t.
int dequantize(int q, int planes, int t, bool uniform) {
  const int v = q << t;
  if (!uniform) return q == 0 || t == 0 ? v : v + (1 << (t - 1));
  if (t == 0) return v;
  int a = v;
  for (int shift = planes + 1; (v >> shift) != 0; shift += planes + 1) a += v >> shift;
  return a;
}

void coefficients(CoefficientsJob* job) {
  const int t = job->truncation;
  int16_t* out = job->coefficients;
  for (int g = 0; g < job->groups; ++g, out += kGroupSize) {
    const int planes = job->counts[g] - t;
    if (planes <= 0) {
      std::fill(out, out + kGroupSize, int16_t{0});
      continue;
    }
    int negative = 0;
    if (!job->separate_signs) negative = nibble_at(job->data, job->nibble++);
    int q[kGroupSize] = {};
    for (int k = 0; k < planes; ++k) {
      const int plane = nibble_at(job->data, job->nibble++);
      for (int c = 0; c < kGroupSize; ++c) q[c] = 2 * q[c] + ((plane >> (kGroupSize - 1 - c)) & 1);
    }
    for (int c = 0; c < kGroupSize; ++c) {
      const int magnitude = dequantize(q[c], planes, t, job->uniform);
      const int minus = job->separate_signs ? (q[c] != 0 ? bit_at(job->signs, job->sign++) : 0) : (negative >> (kGroupSize - 1 - c)) & 1;
      out[c] = static_cast<int16_t>(minus != 0 ? -magnitude : magnitude);
    }
  }
  std::fill(out, job->coefficients + kGroupSize * up_to(job->groups, kSignificanceGroupSize), int16_t{0});
}

// Low coefficients of the first level come without their fraction bits, like all high ones; those of the others are samples.
template <class Low>
void synthesize(const Low* low, int low_bits, const int16_t* high, int high_bits, int n, int32_t* out) {
  const int highs = n / 2, lows = n - highs;
  const auto h = [&](int i) { return high[i] * (1 << high_bits); };
  for (int i = 0; i < lows; ++i) {
    const int32_t left = h(std::max(i - 1, 0)), right = h(std::min(i, highs - 1));
    out[2 * i] = low[i] * (1 << low_bits) - ((left + right + 2) >> 2);
  }
  for (int i = 0; i < highs; ++i) out[2 * i + 1] = h(i) + ((out[2 * i] + out[std::min(2 * i + 2, 2 * lows - 2)]) >> 1);
}

void horizontal(const int32_t* low, const int16_t* high, int n, int fraction_bits, int32_t* out) { synthesize(low, 0, high, fraction_bits, n, out); }

void horizontal16(const int16_t* low, const int16_t* high, int n, int fraction_bits, int32_t* out) {
  synthesize(low, fraction_bits, high, fraction_bits, n, out);
}

void vertical_even(const int32_t* low, const int32_t* high_above, const int32_t* high_below, int n, int32_t* even) {
  for (int i = 0; i < n; ++i) even[i] = low[i] - ((high_above[i] + high_below[i] + 2) >> 2);
}

void vertical_odd(const int32_t* high, const int32_t* even_above, const int32_t* even_below, int n, int32_t* odd) {
  for (int i = 0; i < n; ++i) odd[i] = high[i] + ((even_above[i] + even_below[i]) >> 1);
}

void vertical(const int32_t* low, const int32_t* high_above, const int32_t* high_below, const int32_t* even_above, int n, int32_t* even,
              int32_t* odd_above) {
  vertical_even(low, high_above, high_below, n, even);
  vertical_odd(high_above, even_above, even, n, odd_above);
}

void inverse_rct(const int32_t* y, const int32_t* cb, const int32_t* cr, int n, int32_t* r, int32_t* g, int32_t* b) {
  for (int i = 0; i < n; ++i) {
    g[i] = y[i] - ((cb[i] + cr[i]) >> 2);
    r[i] = cr[i] + g[i];
    b[i] = cb[i] + g[i];
  }
}

template <class Sample>
void scale(const int32_t* line, int n, const Scaling& scaling, Sample* out) {
  const int32_t largest = (1 << scaling.depth) - 1;
  for (int i = 0; i < n; ++i) out[i] = static_cast<Sample>(std::clamp((line[i] + scaling.offset) >> scaling.shift, 0, largest));
}

void scale8(const int32_t* line, int n, const Scaling& scaling, uint8_t* out) { scale(line, n, scaling, out); }
void scale16(const int32_t* line, int n, const Scaling& scaling, uint16_t* out) { scale(line, n, scaling, out); }

void interleave(const uint8_t* r, const uint8_t* g, const uint8_t* b, int n, uint8_t* rgb) {
  for (int i = 0; i < n; ++i) {
    rgb[3 * i] = r[i];
    rgb[3 * i + 1] = g[i];
    rgb[3 * i + 2] = b[i];
  }
}

void rct_to_rgb8(const int32_t* y, const int32_t* cb, const int32_t* cr, int n, const Scaling& scaling, uint8_t* rgb) {
  for (int i = 0; i < n; ++i) {
    int32_t pixel[3];
    inverse_rct(y + i, cb + i, cr + i, 1, &pixel[0], &pixel[1], &pixel[2]);
    scale(pixel, 3, scaling, rgb + 3 * i);
  }
}

void ycbcr_to_rgb8(const uint8_t* y, const uint8_t* cb, const uint8_t* cr, int n, bool halved, const ColourMatrix& m, uint8_t* rgb) {
  constexpr int kHalf = 1 << 15;
  const auto clamped = [](int value) { return static_cast<uint8_t>(std::clamp(value >> 16, 0, 255)); };
  for (int x = 0; x < n; ++x, rgb += 3) {
    const int at = halved ? x >> 1 : x, luma = m.y * (y[x] - m.black) + kHalf, b = cb[at] - 128, r = cr[at] - 128;
    rgb[0] = clamped(luma + m.r * r);
    rgb[1] = clamped(luma - m.gb * b - m.gr * r);
    rgb[2] = clamped(luma + m.b * b);
  }
}

}  // namespace

const Kernels& kernels_scalar() {
  static constexpr Kernels kTable = {&unary,        &raw_counts,    &counts,       &data_nibbles, &coefficients, &horizontal,
                                     &horizontal16, &vertical_even, &vertical_odd, &vertical,     &inverse_rct,  &scale8,
                                     &scale16,      &interleave,    &rct_to_rgb8,  &ycbcr_to_rgb8};
  return kTable;
}

}  // namespace plcv::jpegxs::decoding
