// SPDX-License-Identifier: Apache-2.0
// The 16 bytes in front of the blocks of an .astc file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace plcv::astc {

constexpr int kMaxSide = 16384;

struct Header {
  int block_x, block_y;
  int width, height;

  int64_t blocks_x() const { return (int64_t{width} + block_x - 1) / block_x; }
  int64_t blocks_y() const { return (int64_t{height} + block_y - 1) / block_y; }
  int64_t payload_bytes() const { return 16 + 16 * blocks_x() * blocks_y(); }
};

void write_header(const Header& header, uint8_t* out);

// True when the bytes start with the magic number of an .astc file.
bool has_magic(const uint8_t* data, std::size_t size);

// Reads the header of a complete payload into `header`. Returns an empty string, or what is wrong: the value and what was expected.
// `max_pixels` bounds width * height; `size` must be exactly what the header announces. Any 2D footprint of the format is accepted.
std::string parse_header(const uint8_t* data, std::size_t size, int64_t max_pixels, Header* header);

}  // namespace plcv::astc
