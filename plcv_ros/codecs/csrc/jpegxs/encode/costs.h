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

  // The step to take so that the precinct, header included, has at most `budget` bytes; -1 where none fits. `guess` is a step near by, or -1.
  int choose(int64_t budget, int guess);

  // Bytes of the precinct at a step; INT64_MAX where a packet's header cannot say its size.
  int64_t bytes(int step);

  Step step(int index) const { return {(index + span_ - 1) / span_, (span_ - index % span_) % span_}; }
  int truncation(int b, int index) const;

  // The cheapest mode D of band b at truncation T; the line `index` of it in this precinct, at T and in that mode.
  int mode(int b, int truncation) { return at(b, truncation).mode; }
  BandLine line(int b, int index, int truncation);
  // Whether this packet has its counts as they are (Dr).
  bool raw(const Packet& packet, const uint8_t* truncations);

 private:
  // Bits of the lines of a band at one truncation, in the mode that is cheapest.
  struct BandCost {
    bool known;
    int mode;
    int flags[kMaxLines], counts[kMaxLines], data[kMaxLines];
    int signs[kMaxLines];  // -1: not counted yet
  };
  struct PacketBits {
    int lines, raw, flags, counts, data, signs;
  };

  BandCost& at(int b, int truncation);
  PacketBits packet_bits(const Packet& packet, const uint8_t* truncations);
  void truncations(int step, uint8_t* out) const;
  int64_t bytes_at(const uint8_t* truncations);
  double squared_error(int b, int truncation);
  double squared_error(int step);

  const Kernels& kernels_;
  const Plan& plan_;
  const Transform& transform_;
  int span_;   // steps from one Q to the next
  int steps_;  // number of steps
  int row_ = 0;
  const uint8_t* above_ = nullptr;
  int present_[kMaxBands];
  BandCost cost_[kMaxBands][kMaxPlanes + 1];
};

}  // namespace plcv::jpegxs::encoding
