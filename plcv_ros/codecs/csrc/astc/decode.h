// SPDX-License-Identifier: Apache-2.0
// The blocks of an .astc file to pixels.
#pragma once

#include <cstddef>
#include <cstdint>

#include "astc/header.h"
#include "astc/kernels.h"

namespace plcv::astc {

constexpr int64_t kAllDecoded = -1;

// `header` comes from parse_header, `blocks` points behind it. Writes header.width x header.height pixels, rgb8, rows `row_stride` bytes
// apart, and nothing beside them. Returns kAllDecoded, or the index of the first block that is not in a pruned mode, or not in that of the first
// (the pixels are then unspecified). Time is linear in the number of blocks.
int64_t decode(const Kernels& kernels, const Header& header, const uint8_t* blocks, uint8_t* rgb, std::ptrdiff_t row_stride, int threads);

}  // namespace plcv::astc
