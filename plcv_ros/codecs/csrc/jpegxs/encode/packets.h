// SPDX-License-Identifier: Apache-2.0
// A precinct as bytes: its header and its packets.
#pragma once

#include <cstdint>
#include <vector>

#include "jpegxs/encode/costs.h"

namespace plcv::jpegxs::encoding {

// Buffers in which a thread puts a precinct together.
struct PrecinctBuffers {
  std::vector<uint8_t> bytes, signs, scratch;
  // Makes room for the largest precinct of a plan.
  void resize(const Plan& plan);
};

// Writes the precinct that `costs` has turned to, at step `step`, into buffers->bytes; returns its size.
int64_t write_precinct(const Kernels& kernels, const Plan& plan, int row, int step, PrecinctCosts* costs, PrecinctBuffers* buffers);

// Corrects the length of a precinct that is followed by `padding` bytes.
void pad_precinct(const Plan& plan, uint8_t* precinct, int64_t bytes, int64_t padding);

}  // namespace plcv::jpegxs::encoding
