// SPDX-License-Identifier: Apache-2.0
#include "jpegxs/encode/costs.h"

#include <algorithm>
#include <cstdlib>

#include "jpegxs/encode/packet_layout.h"
#include "jpegxs/gains.h"

namespace plcv::jpegxs::encoding {
namespace {

int bytes_of(int bits) { return (bits + 7) / 8; }

constexpr int kFirstGuess = 7;  // Q of ordinary pictures at ordinary rates

}  // namespace

PrecinctCosts::PrecinctCosts(const Kernels& kernels, const Plan& plan, const Transform& transform)
    : kernels_(kernels), plan_(plan), transform_(transform) {
  const Parameters& p = plan.parameters;
  const Geometry& g = plan.geometry;
  span_ = *std::max_element(p.priority, p.priority + g.bands) + 1;
  steps_ = (kMaxPlanes + *std::max_element(p.gain, p.gain + g.bands)) * span_ + 1;
  for (int b = 0; b < g.bands; ++b) {
    groups_[b] = (g.band[b].width + kGroupSize - 1) / kGroupSize;
    packets_of_[b] = 0;
    for (int i = 0; i < g.packets; ++i) packets_of_[b] |= (b >= g.packet[i].first && b < g.packet[i].last ? 1u : 0u) << i;
  }
}

void PrecinctCosts::begin(int row, const uint8_t* above) {
  row_ = row;
  above_ = plan_.options.vertical_prediction ? above : nullptr;
  ++precinct_;
  for (int b = 0; b < plan_.geometry.bands; ++b) {
    present_[b] = plan_.geometry.present_lines(b, row);
    truncation_[b] = kMaxPlanes + 1;  // no step has this: the first one set finds the costs of all packets
  }
}

int PrecinctCosts::truncation(int b, Step s) const {
  const Parameters& p = plan_.parameters;
  return std::clamp(s.q - p.gain[b] - (p.priority[b] < s.r ? 1 : 0), 0, kMaxPlanes);
}

void PrecinctCosts::set_step(int index) {
  const Step s = step(index);
  uint32_t changed = 0;
  for (int b = 0; b < plan_.geometry.bands; ++b) {
    const uint8_t t = static_cast<uint8_t>(truncation(b, s));
    if (t != truncation_[b]) changed |= packets_of_[b];
    truncation_[b] = t;
  }
  for (; changed != 0; changed &= changed - 1) {
    const int i = __builtin_ctz(changed);
    packet_[i] = packet_cost(plan_.geometry.packet[i]);
  }
}

int64_t PrecinctCosts::bytes() const {
  int64_t total = plan_.geometry.precinct_header_bytes();
  for (int i = 0; i < plan_.geometry.packets; ++i) {
    if (!packet_[i].fits) return INT64_MAX;
    total += packet_[i].bytes;
  }
  return total;
}

BandLine PrecinctCosts::line(int b, int index) const {
  const int row = row_ * plan_.geometry.band[b].lines + index;
  const KeptLine& kept = transform_.line(b, row);
  BandLine line{};
  line.coefficients = kept.coefficients;
  line.planes = kept.planes;
  line.maxima = kept.maxima;
  line.groups = groups_[b];
  line.truncation = truncation_[b];
  if (above_ != nullptr) {
    line.above = transform_.line(b, row - 1).planes;
    line.truncation_above = index > 0 ? truncation_[b] : above_[b];
  }
  line.mode = cost_[b][truncation_[b]].mode;
  return line;
}

PrecinctCosts::BandCost& PrecinctCosts::cost(int b) {
  BandCost& cost = cost_[b][truncation_[b]];
  if (cost.known != precinct_) find_cost(b, &cost);
  return cost;
}

void PrecinctCosts::find_cost(int b, BandCost* cost) {
  cost->known = precinct_;
  const bool separate_signs = plan_.parameters.separate_signs;
  // Flags and counts, summed over the lines, of the modes D = 0 to 3.
  int flags[4][kMaxLines] = {}, counts[4][kMaxLines] = {}, total[4] = {};
  for (int i = 0; i < present_[b]; ++i) {
    const BandLine line = this->line(b, i);
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
    cost->data[i] = 4 * (sums.planes + (separate_signs ? 0 : sums.groups));
    cost->signs[i] = separate_signs && sums.groups > 0 ? kernels_.count_nonzero(line, plan_.parameters.uniform_quantizer) : 0;
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
  cost->mode = best;
  for (int i = 0; i < present_[b]; ++i) {
    cost->flags[i] = flags[best][i];
    cost->counts[i] = counts[best][i];
  }
}

PrecinctCosts::PacketCost PrecinctCosts::packet_cost(const Packet& packet) {
  int lines = 0, raw = 0, flags = 0, counts = 0, data = 0, signs = 0;
  for (int b = packet.first; b < packet.last; ++b) {
    if (packet.line >= present_[b]) continue;
    const BandCost& band = cost(b);
    ++lines;
    flags += band.flags[packet.line];
    counts += band.counts[packet.line];
    data += band.data[packet.line];
    signs += band.signs[packet.line];
    raw += 4 * groups_[b];
  }
  if (lines == 0) return {0, false, true};
  const PacketLimits limits = packet_limits(plan_.parameters);
  const int planned = bytes_of(flags) + bytes_of(counts);
  const bool is_raw = plan_.options.raw_counts && planned > bytes_of(raw);
  const bool fits = bytes_of(data) < limits.data && bytes_of(is_raw ? raw : counts) < limits.counts && bytes_of(signs) < limits.signs;
  return {packet_header_bytes(plan_.parameters) + (is_raw ? bytes_of(raw) : planned) + bytes_of(data) + bytes_of(signs), is_raw, fits};
}

int PrecinctCosts::likely_step(int near, int64_t budget) {
  set_step(near);
  int64_t expected = bytes();
  if (expected == INT64_MAX) return near;
  int step = near;
  // One Q is worth about two fifths of the bytes; within a Q, steps share that evenly.
  for (; expected > budget && step < steps_ - 1; expected = expected * 5 / 7) step += span_;
  for (; expected * 7 / 5 < budget && step > 0; expected = expected * 7 / 5) step -= span_;
  if (budget > 0) step -= static_cast<int>((budget - expected) * 5 * span_ / (2 * budget));
  return std::clamp(step, 0, steps_ - 1);
}

int PrecinctCosts::choose(int64_t budget, int guess) {
  const auto fits = [&](int step) {
    set_step(step);
    return bytes() <= budget;
  };
  if (plan_.options.search == Search::exhaustive) {
    int best = -1;
    double least = 0;
    for (int step = 0; step < steps_; ++step) {
      if (!fits(step)) continue;
      double error = 0;
      for (int b = 0; b < plan_.geometry.bands; ++b) error += squared_error(b);
      if (best < 0 || error < least) {
        best = step;
        least = error;
      }
    }
    return best;
  }
  // Costs fall from step to step (with vertical prediction, nearly so): `coarse` fits, `fine` does not.
  int fine = -1, coarse = steps_ - 1;
  if (plan_.options.search == Search::guess) {
    const int start = likely_step(guess >= 0 ? guess : std::min(kFirstGuess * span_, coarse), budget);
    int stride = 1;
    if (fits(start)) {
      coarse = start;
      for (; coarse - stride >= 0 && fits(coarse - stride); stride *= 2) coarse -= stride;
      fine = std::max(coarse - stride, -1);
    } else {
      fine = start;
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

double PrecinctCosts::squared_error(int b) const {
  const double norm = band_norm(plan_.geometry.band[b], plan_.parameters.colour_transform);
  int64_t sum = 0;
  for (int i = 0; i < present_[b]; ++i) {
    const BandLine line = this->line(b, i);
    const int truncation = line.truncation;
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

}  // namespace plcv::jpegxs::encoding
