// SPDX-License-Identifier: Apache-2.0
// What one block of any mode is: its fields, or why it is none of the LDR profile (Khronos Data Format Specification, ASTC). 2D blocks.
#pragma once

#include <cstdint>

#include "astc/sequence.h"

namespace plcv::astc {

constexpr int kMaxPartitions = 4;

enum class BlockKind : uint8_t { ldr, hdr, error };

struct BlockFields {
  BlockKind kind;
  const char* reason;  // where the kind is not ldr: what of the block makes it that
  bool constant;       // a void-extent block: one colour, nothing else below

  uint16_t colour[3];

  int grid_x, grid_y, planes;
  Range weight_range;
  int partitions, partition_seed;
  int second_plane;  // with two planes: the component that has the second one; 3 is alpha
  int endpoint_mode[kMaxPartitions];
  Range colour_range;
  int colour_start, colour_values;
};

// The fields of a block of a footprint of the format. Reads no weight and no endpoint.
BlockFields read_fields(const Bits128& bits, int block_x, int block_y);

}  // namespace plcv::astc
