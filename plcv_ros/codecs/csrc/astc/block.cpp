// SPDX-License-Identifier: Apache-2.0
#include "astc/block.h"

namespace plcv::astc {
namespace {

constexpr uint32_t kVoidExtent = 0x1FC;
constexpr int kMinWeightBits = 24, kMaxWeightBits = 96;

BlockFields refused(BlockKind kind, const char* reason) {
  BlockFields fields{};
  fields.kind = kind;
  fields.reason = reason;
  return fields;
}

BlockFields error(const char* reason) { return refused(BlockKind::error, reason); }

BlockFields void_extent(const Bits128& bits) {
  if (bits.at(10, 2) != 3) return error("reserved bits of its void extent are not set");
  const uint32_t s0 = bits.at(12, 13), s1 = bits.at(25, 13), t0 = bits.at(38, 13), t1 = bits.at(51, 13);
  const bool whole = (s0 & s1 & t0 & t1) == 0x1FFF;
  if (!whole && (s0 >= s1 || t0 >= t1)) return error("its void extent is empty");
  if (bits.at(9, 1)) return refused(BlockKind::hdr, "a void extent in floating point");
  BlockFields fields{};
  fields.constant = true;
  for (int c = 0; c < 3; ++c) fields.colour[c] = static_cast<uint16_t>(bits.at(64 + 16 * c, 16));
  return fields;
}

// Size of the weight grid, its range and planes from the 11 bits of the block mode; false for a reserved mode.
bool read_grid(uint32_t mode, BlockFields* fields) {
  const int a = (mode >> 5) & 3, b = (mode >> 7) & 3;
  int range = (mode >> 4) & 1;
  bool free_high = true;  // bits 9 and 10 are the high precision and the second plane
  if (mode & 3) {
    range |= static_cast<int>(mode & 3) << 1;
    switch ((mode >> 2) & 3) {
      case 0:
        fields->grid_x = b + 4;
        fields->grid_y = a + 2;
        break;
      case 1:
        fields->grid_x = b + 8;
        fields->grid_y = a + 2;
        break;
      case 2:
        fields->grid_x = a + 2;
        fields->grid_y = b + 8;
        break;
      default:
        fields->grid_x = b & 2 ? (b & 1) + 2 : a + 2;
        fields->grid_y = b & 2 ? a + 2 : (b & 1) + 6;
    }
  } else {
    range |= static_cast<int>((mode >> 2) & 3) << 1;
    if (range < 2) return false;
    switch (b) {
      case 0:
        fields->grid_x = 12;
        fields->grid_y = a + 2;
        break;
      case 1:
        fields->grid_x = a + 2;
        fields->grid_y = 12;
        break;
      case 2:
        fields->grid_x = a + 6;
        fields->grid_y = static_cast<int>((mode >> 9) & 3) + 6;
        free_high = false;
        break;
      default:
        if (a > 1) return false;
        fields->grid_x = a == 0 ? 6 : 10;
        fields->grid_y = a == 0 ? 10 : 6;
    }
  }
  const bool high_precision = free_high && ((mode >> 9) & 1);
  fields->planes = free_high && ((mode >> 10) & 1) ? 2 : 1;
  fields->weight_range = kWeightRange[range - 2 + (high_precision ? 6 : 0)];
  return true;
}

bool is_hdr(int endpoint_mode) { return endpoint_mode == 2 || endpoint_mode == 3 || endpoint_mode == 7 || endpoint_mode == 11 || endpoint_mode > 13; }

// The endpoint modes of all partitions; returns how many of their bits lie just below the weights, which begin at `top`.
int read_endpoint_modes(const Bits128& bits, int top, BlockFields* fields) {
  const int n = fields->partitions;
  if (n == 1) {
    fields->endpoint_mode[0] = static_cast<int>(bits.at(13, 4));
    return 0;
  }
  const uint32_t selector = bits.at(23, 2);
  if (selector == 0) {
    for (int i = 0; i < n; ++i) fields->endpoint_mode[i] = static_cast<int>(bits.at(25, 4));
    return 0;
  }
  const int extra = 3 * n - 4;
  const uint32_t all = bits.at(25, 4) | (bits.at(top - extra, extra) << 4);
  for (int i = 0; i < n; ++i) {
    const uint32_t mode_class = selector - 1 + ((all >> i) & 1);
    fields->endpoint_mode[i] = static_cast<int>((mode_class << 2) | ((all >> (n + 2 * i)) & 3));
  }
  return extra;
}

}  // namespace

BlockFields read_fields(const Bits128& bits, int block_x, int block_y) {
  if (bits.at(0, 9) == kVoidExtent) return void_extent(bits);
  BlockFields fields{};
  if (!read_grid(bits.at(0, 11), &fields)) return error("a reserved block mode");
  if (fields.grid_x > block_x || fields.grid_y > block_y) return error("its weight grid is larger than the block");
  const int weights = fields.grid_x * fields.grid_y * fields.planes;
  if (weights > kMaxWeights) return error("more than 64 weights");
  const int weight_bits = fields.weight_range.sequence_bits(weights);
  if (weight_bits < kMinWeightBits || weight_bits > kMaxWeightBits) return error("its weights do not have 24 to 96 bits");
  fields.partitions = static_cast<int>(bits.at(11, 2)) + 1;
  if (fields.partitions == kMaxPartitions && fields.planes == 2) return error("four partitions and two planes of weights");
  fields.partition_seed = fields.partitions > 1 ? static_cast<int>(bits.at(13, 10)) : 0;
  fields.colour_start = fields.partitions > 1 ? 29 : 17;
  int top = 128 - weight_bits;
  top -= read_endpoint_modes(bits, top, &fields);
  if (fields.planes == 2) {
    top -= 2;
    fields.second_plane = static_cast<int>(bits.at(top, 2));
  }
  for (int i = 0; i < fields.partitions; ++i) fields.colour_values += 2 * (fields.endpoint_mode[i] / 4 + 1);
  if (fields.colour_values > kMaxColourValues) return error("more than 18 endpoint values");
  int range = kColourRanges - 1;
  while (range >= 0 && kColourRange[range].sequence_bits(fields.colour_values) > top - fields.colour_start) --range;
  if (range < 0) return error("too few bits for its endpoints");
  fields.colour_range = kColourRange[range];
  for (int i = 0; i < fields.partitions; ++i) {
    if (is_hdr(fields.endpoint_mode[i])) return refused(BlockKind::hdr, "an endpoint mode of the HDR profile");
  }
  return fields;
}

}  // namespace plcv::astc
