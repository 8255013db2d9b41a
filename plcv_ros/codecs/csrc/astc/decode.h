// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "astc/header.h"

namespace plcv::astc {

constexpr int64_t kAllDecoded = -1;

// Decodes the block rows of a payload whose header was parsed; `blocks` points behind the header. Writes width x height rgb8 pixels.
// Returns kAllDecoded, or the index of a block that is not in the pruned mode of its footprint (pixels are then unspecified).
int64_t decode(const Header& header, const uint8_t* blocks, uint8_t* rgb, std::ptrdiff_t row_stride, int threads);

}  // namespace plcv::astc
