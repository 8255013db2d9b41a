// SPDX-License-Identifier: Apache-2.0
#include "jpegxs/encode/costs.h"

#include <algorithm>
#include <cstdlib>

#include "jpegxs/encode/packet_layout.h"
#include "jpegxs/gains.h"

namespace plcv::jpegxs::encoding {
namespace {

int bytes_of(int bits) { return (bits + 7) / 8; }

}  // namespace

PrecinctCosts::PrecinctCosts(const Kernels& kernels, const Plan& plan, const Transform& transform)
    : kernels_(kernels), plan_(plan), transform_(transform) {
  const Parameters& p = plan.parameters;
  const int bands = plan.geometry.bands;
  span_ = *std::max_element(p.priority, p.priority + bands) + 1;
  steps_ = (kMaxPlanes + *std::max_element(p.gain, p.gain + bands)) * span_ + 1;
}

void PrecinctCosts::begin(int row, const uint8_t* above) {
  row_ = row;
  above_ = plan_.options.vertical_prediction ? above : nullptr;
  for (int b = 0; b < plan_.geometry.bands; ++b) {
    present_[b] = plan_.geometry.present_lines(b, row);
    for (BandCost& cost : cost_[b]) cost.known = false;
  }
}

int PrecinctCosts::truncation(int b, int index) const {
  const Step s = step(index);
  const Parameters& p = plan_.parameters;
  return std::clamp(s.q - p.gain[b] - (p.priority[b] < s.r ? 1 : 0), 0, kMaxPlanes);
}

void PrecinctCosts::truncations(int step, uint8_t* out) const {
  for (int b = 0; b < plan_.geometry.bands; ++b) out[b] = static_cast<uint8_t>(truncation(b, step));
}

BandLine PrecinctCosts::line(int b, int index, int truncation) {
  const Band& band = plan_.geometry.band[b];
  const int row = row_ * band.lines + index;
  const KeptLine& kept = transform_.line(b, row);
  BandLine line{};
  line.coefficients = kept.coefficients;
  line.planes = kept.planes;
  line.maxima = kept.maxima;
  line.groups = (band.width + kGroupSize - 1) / kGroupSize;
  line.truncation = truncation;
  if (above_ != nullptr) {
    line.above = transform_.line(b, row - 1).planes;
    line.truncation_above = index > 0 ? truncation : above_[b];
  }
  return line;
}

PrecinctCosts::BandCost& PrecinctCosts::at(int b, int truncation) {
  BandCost& cost = cost_[b][truncation];
  if (cost.known) return cost;
  cost.known = true;
  // Flags and counts, summed over the lines, of the modes D = 0 to 3.
  int flags[4][kMaxLines] = {}, counts[4][kMaxLines] = {}, total[4] = {};
  for (int i = 0; i < present_[b]; ++i) {
    const BandLine line = this->line(b, i, truncation);
    const LineSums sums = kernels_.line_sums(line);
    const int flag_bits = (line.groups + kSignificanceGroupSize - 1) / kSignificanceGroupSize;
    counts[0][i] = line.groups + sums.planes;
    counts[kSignificance][i] = sums.coded + sums.planes;
    flags[kSignificance][i] = flags[kSignificance | kPrediction][i] = flag_bits;
    if (above_ != nullptr) {
      const PredictedSums predicted = kernels_.predicted_sums(line);
      counts[kPrediction][i] = predicted.all;
      counts[kSignificance | kPrediction][i] = predicted.coded;
    }
    cost.data[i] = 4 * (sums.planes + (plan_.parameters.separate_signs ? 0 : sums.groups));
    cost.signs[i] = plan_.parameters.separate_signs && sums.groups > 0 ? -1 : 0;
    for (int mode = 0; mode < 4; ++mode) total[mode] += flags[mode][i] + counts[mode][i];
  }
  // Flags first: where nothing is left to code they make the smallest precinct of all, which the smallest rate counts on.
  constexpr int kOrder[] = {kSignificance, 0, kSignificance | kPrediction, kPrediction};
  int best = -1;
  for (const int mode : kOrder) {
    if ((mode & kSignificance) != 0 && !plan_.options.significance) continue;
    if ((mode & kPrediction) != 0 && above_ == nullptr) continue;
    if (best < 0 || total[mode] < total[best]) best = mode;
  }
  cost.mode = present_[b] > 0 ? best : 0;
  for (int i = 0; i < present_[b]; ++i) {
    cost.flags[i] = flags[best][i];
    cost.counts[i] = counts[best][i];
  }
  return cost;
}

PrecinctCosts::PacketBits PrecinctCosts::packet_bits(const Packet& packet, const uint8_t* truncations) {
  PacketBits bits{};
  for (int b = packet.first; b < packet.last; ++b) {
    if (packet.line >= present_[b]) continue;
    BandCost& cost = at(b, truncations[b]);
    int& signs = cost.signs[packet.line];
    if (signs < 0) signs = kernels_.count_nonzero(line(b, packet.line, truncations[b]), plan_.parameters.uniform_quantizer);
    ++bits.lines;
    bits.flags += cost.flags[packet.line];
    bits.counts += cost.counts[packet.line];
    bits.data += cost.data[packet.line];
    bits.signs += signs;
    bits.raw += 4 * ((plan_.geometry.band[b].width + kGroupSize - 1) / kGroupSize);
  }
  return bits;
}

bool PrecinctCosts::raw(const Packet& packet, const uint8_t* truncations) {
  if (!plan_.options.raw_counts) return false;
  const PacketBits bits = packet_bits(packet, truncations);
  return bytes_of(bits.flags) + bytes_of(bits.counts) > bytes_of(bits.raw);
}

int64_t PrecinctCosts::bytes_at(const uint8_t* truncations) {
  const PacketLimits limits = packet_limits(plan_.parameters);
  int64_t total = plan_.geometry.precinct_header_bytes();
  for (int i = 0; i < plan_.geometry.packets; ++i) {
    const PacketBits bits = packet_bits(plan_.geometry.packet[i], truncations);
    if (bits.lines == 0) continue;
    const int data = bytes_of(bits.data), signs = bytes_of(bits.signs), raw = bytes_of(bits.raw), flags = bytes_of(bits.flags);
    int counts = bytes_of(bits.counts);
    const bool is_raw = plan_.options.raw_counts && flags + counts > raw;
    if (is_raw) counts = raw;
    if (data >= limits.data || counts >= limits.counts || signs >= limits.signs) return INT64_MAX;
    total += packet_header_bytes(plan_.parameters) + (is_raw ? 0 : flags) + counts + data + signs;
  }
  return total;
}

int64_t PrecinctCosts::bytes(int step) {
  uint8_t truncation[kMaxBands];
  truncations(step, truncation);
  return bytes_at(truncation);
}

int PrecinctCosts::choose(int64_t budget, int guess) {
  const auto fits = [&](int step) { return bytes(step) <= budget; };
  if (plan_.options.search == Search::exhaustive) {
    int best = -1;
    double least = 0;
    for (int step = 0; step < steps_; ++step) {
      if (!fits(step)) continue;
      const double error = squared_error(step);
      if (best < 0 || error < least) {
        best = step;
        least = error;
      }
    }
    return best;
  }
  // Costs fall from step to step (with vertical prediction, nearly so): `coarse` fits, `fine` does not.
  int fine = -1, coarse = steps_ - 1;
  if (guess >= 0 && plan_.options.search == Search::guess) {
    int stride = 1;
    if (fits(guess)) {
      coarse = guess;
      for (; coarse - stride > 0 && fits(coarse - stride); stride *= 2) coarse -= stride;
      fine = std::max(coarse - stride, -1);
    } else {
      fine = guess;
      for (; fine + stride < coarse && !fits(fine + stride); stride *= 2) fine += stride;
      coarse = std::min(fine + stride, coarse);
    }
  }
  while (coarse - fine > 1) {
    const int middle = fine + (coarse - fine) / 2;
    (fits(middle) ? coarse : fine) = middle;
  }
  if (fits(coarse)) return coarse;
  for (int step = coarse + 1; step < steps_; ++step) {
    if (fits(step)) return step;
  }
  return -1;
}

double PrecinctCosts::squared_error(int b, int truncation) {
  const double norm = band_norm(plan_.geometry.band[b], plan_.parameters.colour_transform);
  int64_t sum = 0;
  for (int i = 0; i < present_[b]; ++i) {
    const BandLine line = this->line(b, i, truncation);
    for (int k = 0; k < kGroupSize * line.groups; ++k) {
      const int m = std::abs(line.coefficients[k]), planes = line.planes[k / kGroupSize];
      int value = 0;
      if (planes > truncation && plan_.parameters.uniform_quantizer && truncation > 0) {
        const int z = planes - truncation + 1;
        const int q = ((m << z) - m + (1 << planes)) >> (planes + 1);
        for (int term = q << truncation; term > 0; term >>= z) value += term;
      } else if (planes > truncation && m >> truncation > 0) {
        value = (m >> truncation << truncation) + (truncation > 0 ? 1 << (truncation - 1) : 0);
      }
      sum += int64_t{m - value} * (m - value);
    }
  }
  return norm * norm * static_cast<double>(sum);
}

double PrecinctCosts::squared_error(int step) {
  double sum = 0;
  for (int b = 0; b < plan_.geometry.bands; ++b) sum += squared_error(b, truncation(b, step));
  return sum;
}

}  // namespace plcv::jpegxs::encoding
