// SPDX-License-Identifier: Apache-2.0
#include "jpegxs/gains.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace plcv::jpegxs {
namespace {

// L2 norm of the one-dimensional synthesis function of a coefficient `depth` levels down, by synthesising an impulse without rounding.
double synthesis_norm(int depth, bool high) {
  if (depth == 0) return 1;
  constexpr int kMiddle = 8;
  std::vector<double> low(2 * kMiddle, 0), signal;
  std::vector<double> detail(2 * kMiddle, 0);
  (high ? detail : low)[kMiddle] = 1;
  for (int level = 0; level < depth; ++level) {
    const int n = static_cast<int>(low.size());
    signal.assign(2 * low.size(), 0);
    // The impulse stays in the middle, far from both ends.
    for (int i = 1; i < n; ++i) signal[2 * i] = low[i] - (detail[i - 1] + detail[i]) / 4;
    for (int i = 1; i + 1 < n; ++i) signal[2 * i + 1] = detail[i] + (signal[2 * i] + signal[2 * i + 2]) / 2;
    low = signal;
    detail.assign(low.size(), 0);
  }
  double energy = 0;
  for (const double value : low) energy += value * value;
  return std::sqrt(energy);
}

constexpr double kLumaNorm = 1.7320508075688772;  // sqrt(3): a step of Y moves R, G and B by one
constexpr double kChromaNorm = 0.82915619758885;  // sqrt(11) / 4: a step of Cb moves B by 3/4, R and G by 1/4

// Weights are compared in this many steps to one, so that ties are ties on every machine.
constexpr double kSteps = 1 << 20;

}  // namespace

double band_norm(const Band& band, bool colour_transform) {
  const double norm = synthesis_norm(band.dx, band.high_x) * synthesis_norm(band.dy, band.high_y);
  return colour_transform ? norm * (band.component == 0 ? kLumaNorm : kChromaNorm) : norm;
}

void set_default_gains(const Geometry& geometry, Parameters* parameters) {
  int weight[kMaxBands], order[kMaxBands];
  for (int b = 0; b < geometry.bands; ++b) {
    weight[b] = static_cast<int>(std::lround(std::log2(band_norm(geometry.band[b], parameters->colour_transform)) * kSteps));
    order[b] = b;
  }
  const int least = *std::min_element(weight, weight + geometry.bands), one = static_cast<int>(kSteps);
  const auto fraction = [&](int b) { return (weight[b] - least) % one; };
  std::stable_sort(order, order + geometry.bands, [&](int a, int b) { return fraction(a) > fraction(b); });
  for (int i = 0; i < geometry.bands; ++i) parameters->priority[order[i]] = static_cast<uint8_t>(i);
  for (int b = 0; b < geometry.bands; ++b) parameters->gain[b] = static_cast<uint8_t>((weight[b] - least) / one);
}

}  // namespace plcv::jpegxs
