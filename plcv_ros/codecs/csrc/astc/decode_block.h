// SPDX-License-Identifier: Apache-2.0
// The general decoder: one block of any mode of the LDR profile to texels. The pruned modes have kernels of their own.
#pragma once

#include <cstddef>
#include <cstdint>

#include "astc/block.h"

namespace plcv::astc {

// Writes the first `present_x` x `present_y` texels of the block, rgb8, rows `row_stride` bytes apart. `fields` are those of `bits`, of kind ldr.
void decode_block(const Bits128& bits, const BlockFields& fields, int block_x, int block_y, int present_x, int present_y, uint8_t* rgb,
                  std::ptrdiff_t row_stride);

}  // namespace plcv::astc
