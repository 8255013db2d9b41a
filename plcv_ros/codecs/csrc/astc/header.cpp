// SPDX-License-Identifier: Apache-2.0
#include "astc/header.h"

#include <array>

namespace plcv::astc {
namespace {

constexpr std::array<uint8_t, 4> kMagic = {0x13, 0xAB, 0xA1, 0x5C};

struct Footprint {
  int x, y;
};

// The 2D footprints of the format.
constexpr std::array<Footprint, 14> kFootprints = {{
    {4, 4},
    {5, 4},
    {5, 5},
    {6, 5},
    {6, 6},
    {8, 5},
    {8, 6},
    {8, 8},
    {10, 5},
    {10, 6},
    {10, 8},
    {10, 10},
    {12, 10},
    {12, 12},
}};

bool is_footprint(int x, int y) {
  for (const Footprint& f : kFootprints) {
    if (f.x == x && f.y == y) return true;
  }
  return false;
}

int read24(const uint8_t* p) { return p[0] | (p[1] << 8) | (p[2] << 16); }

void write24(int value, uint8_t* p) {
  p[0] = static_cast<uint8_t>(value);
  p[1] = static_cast<uint8_t>(value >> 8);
  p[2] = static_cast<uint8_t>(value >> 16);
}

}  // namespace

void write_header(const Header& header, uint8_t* out) {
  for (std::size_t i = 0; i < kMagic.size(); ++i) out[i] = kMagic[i];
  out[4] = static_cast<uint8_t>(header.block_x);
  out[5] = static_cast<uint8_t>(header.block_y);
  out[6] = 1;
  write24(header.width, out + 7);
  write24(header.height, out + 10);
  write24(1, out + 13);
}

bool has_magic(const uint8_t* data, std::size_t size) {
  if (size < kMagic.size()) return false;
  for (std::size_t i = 0; i < kMagic.size(); ++i) {
    if (data[i] != kMagic[i]) return false;
  }
  return true;
}

std::string parse_header(const uint8_t* data, std::size_t size, int64_t max_pixels, Header* header) {
  if (!has_magic(data, size)) return "payload does not start with the magic number of an .astc file";
  if (size < 16) return "payload has " + std::to_string(size) + " bytes, expected at least the 16 of an .astc header";
  const int x = data[4], y = data[5], z = data[6];
  if (z != 1 || !is_footprint(x, y)) {
    return "block size is " + std::to_string(x) + "x" + std::to_string(y) + "x" + std::to_string(z) +
           ", expected a 2D footprint of the ASTC format (4x4 to 12x12)";
  }
  header->block_x = x;
  header->block_y = y;
  header->width = read24(data + 7);
  header->height = read24(data + 10);
  const int depth = read24(data + 13);
  if (depth != 1) return "image depth is " + std::to_string(depth) + ", expected 1";
  if (header->width < 1 || header->width > kMaxSide || header->height < 1 || header->height > kMaxSide) {
    return "image size is " + std::to_string(header->width) + "x" + std::to_string(header->height) + ", expected 1x1 to 16384x16384";
  }
  const int64_t pixels = int64_t{header->width} * header->height;
  if (pixels > max_pixels) {
    return "image has " + std::to_string(pixels) + " pixels (" + std::to_string(header->width) + "x" + std::to_string(header->height) +
           "), expected at most max_pixels = " + std::to_string(max_pixels);
  }
  const int64_t expected = header->payload_bytes();
  if (static_cast<uint64_t>(expected) != size) {
    return "payload has " + std::to_string(size) + " bytes, expected " + std::to_string(expected) + " for " + std::to_string(header->width) + "x" +
           std::to_string(header->height) + " in " + std::to_string(x) + "x" + std::to_string(y) + " blocks";
  }
  return {};
}

}  // namespace plcv::astc
