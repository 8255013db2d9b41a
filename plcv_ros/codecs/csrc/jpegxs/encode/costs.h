// SPDX-License-Identifier: Apache-2.0
// What a precinct costs in bytes at any (Q, R), and which of these to take (ISO/IEC 21122-1 leaves both to the encoder).
#pragma once

#include <cstdint>

#include "jpegxs/encode/kernels.h"
#include "jpegxs/encode/plan.h"
#include "jpegxs/encode/transform.h"

namespace plcv::jpegxs::encoding {

constexpr int kMaxLines = 2;  // lines of a band in a precinct

// Q and R in one number: Q span - R, with a span of one more than the largest priority. Greater steps are coarser.
struct Step {
  int q, r;
};

class PrecinctCosts {
 public:
  PrecinctCosts(const Kernels& kernels, const Plan& plan, const Transform& transform);

  // Turns to a precinct row. `above`: T of every band in the precinct above, or null at the start of a slice.
  void begin(int row, const uint8_t* above);

  // The step to take so that the precinct, header included, has at most `budget` bytes; -1 where none fits. `guess` is a step near by, or
  // -1.
  int choose(int64_t budget, int guess);

  // Turns to a step; what follows is about that one.
  void set_step(int index);

  // Bytes of the precinct; INT64_MAX where a packet's header cannot say its size.
  int64_t bytes() const;

  Step step(int index) const { return {(index + span_ - 1) / span_, (span_ - index % span_) % span_}; }
  const uint8_t* truncations() const { return truncation_; }

  // The cheapest mode D of band b; line `index` of it, in that mode; whether a packet has its counts as they are (Dr).
  int mode(int b) { return present_[b] > 0 ? cost(b).mode : 0; }
  BandLine line(int b, int index) const;
  bool raw(int packet) const { return packet_[packet].raw; }

 private:
  // Bits of the lines of a band at one truncation, in the mode that is cheapest.
  struct BandCost {
    unsigned known;  // in the precinct of this number
    int mode;
    int flags[kMaxLines], counts[kMaxLines], data[kMaxLines], signs[kMaxLines];
  };
  struct PacketCost {
    int bytes;
    bool raw, fits;
  };

  int truncation(int b, Step step) const;
  // Where the budget is met if bytes fall as they usually do, from a step near by.
  int likely_step(int near, int64_t budget);
  BandCost& cost(int b);
  void find_cost(int b, BandCost* cost);
  PacketCost packet_cost(const Packet& packet);
  double squared_error(int b) const;

  const Kernels& kernels_;
  const Plan& plan_;
  const Transform& transform_;
  int span_;   // steps from one Q to the next
  int steps_;  // number of steps
  int groups_[kMaxBands];
  uint32_t packets_of_[kMaxBands];  // bits of the packets that a band takes part in
  int row_ = 0;
  unsigned precinct_ = 0;
  const uint8_t* above_ = nullptr;
  int present_[kMaxBands];
  uint8_t truncation_[kMaxBands];
  PacketCost packet_[kMaxPackets];
  BandCost cost_[kMaxBands][kMaxPlanes + 1] = {};
};

}  // namespace plcv::jpegxs::encoding
