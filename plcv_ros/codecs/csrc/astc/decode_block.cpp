// SPDX-License-Identifier: Apache-2.0
#include "astc/decode_block.h"

#include <algorithm>
#include <cstring>

namespace plcv::astc {
namespace {

constexpr int kMaxBlockSide = 12;  // of a block
constexpr int kMaxWeightLevels = 32;

// Which partition a texel is in: a hash of the block's seed gives the slopes of up to four planes over the block, and the highest one wins.
class Partition {
 public:
  Partition(int seed, int count, bool small_block) : count_(count), shift_(small_block ? 1 : 0) {
    seed += (count - 1) * 1024;
    const uint32_t hash = hashed(static_cast<uint32_t>(seed));
    const int by_count = count == 3 ? 6 : 5, by_seed = seed & 2 ? 4 : 5;
    const int first = seed & 1 ? by_seed : by_count, second = seed & 1 ? by_count : by_seed;
    for (int i = 0; i < kMaxPartitions; ++i) {
      slope_x_[i] = slope(hash >> (8 * i), first);
      slope_y_[i] = slope(hash >> (8 * i + 4), second);
      offset_[i] = hash >> (14 - 4 * i);
    }
  }

  int of(int x, int y) const {
    int best = 0;
    uint32_t highest = 0;
    for (int i = 0; i < count_; ++i) {
      const uint32_t height = (slope_x_[i] * static_cast<uint32_t>(x << shift_) + slope_y_[i] * static_cast<uint32_t>(y << shift_) + offset_[i]) & 63;
      if (i == 0 || height > highest) {
        best = i;
        highest = height;
      }
    }
    return best;
  }

 private:
  static uint32_t hashed(uint32_t p) {
    p ^= p >> 15;
    p -= p << 17;
    p += p << 7;
    p += p << 4;
    p ^= p >> 5;
    p += p << 16;
    p ^= p >> 7;
    p ^= p >> 3;
    p ^= p << 6;
    p ^= p >> 17;
    return p;
  }
  static uint32_t slope(uint32_t bits, int shift) { return ((bits & 15) * (bits & 15)) >> shift; }

  int count_, shift_;
  uint32_t slope_x_[kMaxPartitions], slope_y_[kMaxPartitions], offset_[kMaxPartitions];
};

using Ends = int[2][4];  // rgba of both endpoints, 8 bits each

void set_end(int* end, int r, int g, int b, int a) {
  end[0] = r;
  end[1] = g;
  end[2] = b;
  end[3] = a;
}

void contract_blue(int* end) {
  end[0] = (end[0] + end[2]) >> 1;
  end[1] = (end[1] + end[2]) >> 1;
}

// Moves the top bit of an offset to its base, and makes it a number from -32 to 31.
void transfer_bit(int* offset, int* base) {
  *base = (*base >> 1) | (*offset & 0x80);
  *offset = (*offset >> 1) & 0x3F;
  if (*offset & 0x20) *offset -= 0x40;
}

void direct_colours(const int* v, bool alpha, Ends ends) {
  const bool contracted = v[1] + v[3] + v[5] < v[0] + v[2] + v[4];
  for (int k = 0; k < 2; ++k) {
    int* end = ends[contracted ? 1 - k : k];
    set_end(end, v[k], v[2 + k], v[4 + k], alpha ? v[6 + k] : 255);
    if (contracted) contract_blue(end);
  }
}

void colours_and_offsets(const int* values, bool alpha, Ends ends) {
  int v[8] = {0, 0, 0, 0, 0, 0, 255, 0};
  std::copy(values, values + (alpha ? 8 : 6), v);
  for (int i = 0; i < (alpha ? 8 : 6); i += 2) transfer_bit(&v[i + 1], &v[i]);
  const bool contracted = v[1] + v[3] + v[5] < 0;
  set_end(ends[contracted ? 1 : 0], v[0], v[2], v[4], v[6]);
  set_end(ends[contracted ? 0 : 1], v[0] + v[1], v[2] + v[3], v[4] + v[5], v[6] + v[7]);
  for (int k = 0; k < 2; ++k) {
    if (contracted) contract_blue(ends[k]);
    for (int c = 0; c < 4; ++c) ends[k][c] = std::clamp(ends[k][c], 0, 255);
  }
}

void scaled_colours(const int* v, bool alpha, Ends ends) {
  set_end(ends[0], v[0] * v[3] >> 8, v[1] * v[3] >> 8, v[2] * v[3] >> 8, alpha ? v[4] : 255);
  set_end(ends[1], v[0], v[1], v[2], alpha ? v[5] : 255);
}

// The endpoints of an LDR endpoint mode from its 8-bit values.
void read_ends(int endpoint_mode, const int* v, Ends ends) {
  switch (endpoint_mode) {
    case 0:
      for (int k = 0; k < 2; ++k) set_end(ends[k], v[k], v[k], v[k], 255);
      break;
    case 1: {
      const int low = (v[0] >> 2) | (v[1] & 0xC0), high = std::min(low + (v[1] & 0x3F), 255);
      set_end(ends[0], low, low, low, 255);
      set_end(ends[1], high, high, high, 255);
      break;
    }
    case 4:
      for (int k = 0; k < 2; ++k) set_end(ends[k], v[k], v[k], v[k], v[2 + k]);
      break;
    case 5: {
      int base = v[0], offset = v[1], alpha = v[2], alpha_offset = v[3];
      transfer_bit(&offset, &base);
      transfer_bit(&alpha_offset, &alpha);
      const int high = std::clamp(base + offset, 0, 255);
      set_end(ends[0], base, base, base, alpha);
      set_end(ends[1], high, high, high, std::clamp(alpha + alpha_offset, 0, 255));
      break;
    }
    case 6:
    case 10:
      scaled_colours(v, endpoint_mode == 10, ends);
      break;
    case 8:
    case 12:
      direct_colours(v, endpoint_mode == 12, ends);
      break;
    default:  // 9 and 13
      colours_and_offsets(v, endpoint_mode == 13, ends);
  }
}

// Where the texels of a row or column lie between the points of the grid.
struct Axis {
  uint8_t point[kMaxBlockSide];     // the grid point at or before the texel
  uint8_t fraction[kMaxBlockSide];  // sixteenths of the way to the next one

  Axis(int block, int grid) {
    const int step = (1024 + block / 2) / (block - 1);
    for (int i = 0; i < block; ++i) {
      const int position = (step * i * (grid - 1) + 32) >> 6;
      point[i] = static_cast<uint8_t>(position >> 4);
      fraction[i] = static_cast<uint8_t>(position & 15);
    }
  }
};

// A plane of weights with a column and a row more: the neighbours outside count with share 0.
struct Grid {
  int width;
  uint8_t weight[(kMaxBlockSide + 1) * (kMaxBlockSide + 1) + 1];

  // The weights of texels 0 to count - 1 of row `y`.
  void row(const Axis& across, const Axis& down, int y, int count, uint8_t* out) const {
    const int ft = down.fraction[y];
    const uint8_t *points = weight + down.point[y] * width, *below = points + width;
    for (int x = 0; x < count; ++x) {
      const int fs = across.fraction[x], w11 = (fs * ft + 8) >> 4, j = across.point[x];
      out[x] =
          static_cast<uint8_t>((points[j] * (16 - fs - ft + w11) + points[j + 1] * (fs - w11) + below[j] * (ft - w11) + below[j + 1] * w11 + 8) >> 4);
    }
  }
};

void read_grids(const Bits128& bits, const BlockFields& fields, Grid* grids) {
  uint8_t codes[kMaxWeights], value[kMaxWeightLevels];
  const Range range = fields.weight_range;
  const int planes = fields.planes, count = fields.grid_x * fields.grid_y * planes;
  for (int code = 0; code < range.base << range.bits; ++code) value[code] = static_cast<uint8_t>(weight_value(range, code));
  read_sequence(bits.reversed().part(0, range.sequence_bits(count)), range, count, codes);
  const uint8_t* next = codes;
  for (int plane = 0; plane < planes; ++plane) {
    grids[plane].width = fields.grid_x + 1;
    std::memset(grids[plane].weight, 0, sizeof grids[plane].weight);
  }
  for (int y = 0; y < fields.grid_y; ++y) {
    for (int x = 0; x < fields.grid_x; ++x) {
      for (int plane = 0; plane < planes; ++plane) grids[plane].weight[y * grids[plane].width + x] = value[*next++];
    }
  }
}

// The line of colours between two endpoints: a component is (start + slope * weight) >> 14, the format's interpolation of 16 bits cut to the
// upper 8 of them, as Arm's decoder has it.
struct Line {
  int start[3], slope[3];

  void draw(const Ends& ends) {
    for (int c = 0; c < 3; ++c) {
      start[c] = ends[0][c] * 257 * 64 + 32;
      slope[c] = (ends[1][c] - ends[0][c]) * 257;
    }
  }
  uint8_t at(int c, int weight) const { return static_cast<uint8_t>((start[c] + slope[c] * weight) >> 14); }
};

void read_lines(const Bits128& bits, const BlockFields& fields, Line* lines) {
  uint8_t codes[kMaxColourValues];
  int values[kMaxColourValues];
  const Bits128 part = bits.part(fields.colour_start, fields.colour_range.sequence_bits(fields.colour_values));
  read_sequence(part, fields.colour_range, fields.colour_values, codes);
  for (int i = 0; i < fields.colour_values; ++i) values[i] = colour_value(fields.colour_range, codes[i]);
  const int* next = values;
  for (int i = 0; i < fields.partitions; ++i) {
    Ends ends;
    read_ends(fields.endpoint_mode[i], next, ends);
    lines[i].draw(ends);
    next += 2 * (fields.endpoint_mode[i] / 4 + 1);
  }
}

}  // namespace

void decode_block(const Bits128& bits, const BlockFields& fields, int block_x, int block_y, int present_x, int present_y, uint8_t* rgb,
                  std::ptrdiff_t row_stride) {
  if (fields.constant) {
    for (int y = 0; y < present_y; ++y) {
      for (int x = 0; x < present_x; ++x) {
        for (int c = 0; c < 3; ++c) rgb[y * row_stride + 3 * x + c] = static_cast<uint8_t>(fields.colour[c] >> 8);
      }
    }
    return;
  }
  Line lines[kMaxPartitions];
  Grid grids[2];
  read_lines(bits, fields, lines);
  read_grids(bits, fields, grids);
  const Partition partition(fields.partition_seed, fields.partitions, block_x * block_y < 31);
  const Axis across(block_x, fields.grid_x), down(block_y, fields.grid_y);
  uint8_t weights[2][kMaxBlockSide];
  for (int y = 0; y < present_y; ++y) {
    for (int plane = 0; plane < fields.planes; ++plane) grids[plane].row(across, down, y, present_x, weights[plane]);
    const uint8_t* of_component[3];
    for (int c = 0; c < 3; ++c) of_component[c] = weights[fields.planes == 2 && c == fields.second_plane ? 1 : 0];
    uint8_t* out = rgb + y * row_stride;
    for (int x = 0; x < present_x; ++x, out += 3) {
      const Line& line = lines[fields.partitions > 1 ? partition.of(x, y) : 0];
      for (int c = 0; c < 3; ++c) out[c] = line.at(c, of_component[c][x]);
    }
  }
}

}  // namespace plcv::astc
