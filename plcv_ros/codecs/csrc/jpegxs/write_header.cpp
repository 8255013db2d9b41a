// SPDX-License-Identifier: Apache-2.0
#include "jpegxs/write_header.h"

namespace plcv::jpegxs {
namespace {

constexpr int kSoc = 0xFF10, kEoc = 0xFF11, kPih = 0xFF12, kCdt = 0xFF13, kWgt = 0xFF14, kSlh = 0xFF20, kCap = 0xFF50;
constexpr int kCapBytes = 6, kPihBytes = 28;

struct Writer {
  uint8_t* at;
  void u8(int value) { *at++ = static_cast<uint8_t>(value); }
  void u16(int value) {
    u8(value >> 8);
    u8(value);
  }
  void u32(uint32_t value) {
    u16(static_cast<int>(value >> 16));
    u16(static_cast<int>(value & 0xFFFF));
  }
};

// Bit 0 of the capabilities is the most significant one.
int capabilities(const Parameters& p) {
  const auto bit = [](int index, bool set) { return set ? 0x8000 >> index : 0; };
  bool subsampled_vertically = false;
  for (int c = 0; c < p.components; ++c) subsampled_vertically = subsampled_vertically || p.component[c].sy > 1;
  return bit(4, subsampled_vertically) | bit(6, p.fraction_bits == 0) | bit(8, p.packet_raw);
}

}  // namespace

int header_bytes(const Parameters& p, const Geometry& g) { return 2 + kCapBytes + kPihBytes + 2 + (2 + 2 * p.components) + 2 + (2 + 2 * g.bands); }

uint8_t* write_header(const Parameters& p, const Geometry& g, uint8_t* out) {
  Writer w{out};
  w.u16(kSoc);
  w.u16(kCap);
  w.u16(kCapBytes - 2);
  w.u16(capabilities(p));

  w.u16(kPih);
  w.u16(kPihBytes - 2);
  w.u32(p.length);
  w.u16(p.profile);
  w.u16(p.level);
  w.u16(p.width);
  w.u16(p.height);
  w.u16(p.precinct_width);
  w.u16(p.slice_precinct_rows);
  w.u8(p.components);
  w.u8(kGroupSize);
  w.u8(kSignificanceGroupSize);
  w.u8(p.wavelet_bits);
  w.u8(p.fraction_bits << 4 | 4);
  w.u8(p.colour_transform ? 1 : 0);
  w.u8(p.levels_x << 4 | p.levels_y);
  w.u8((p.long_headers ? 0x80 : 0) | (p.packet_raw ? 0x40 : 0) | (p.uniform_quantizer ? 0x10 : 0) | (p.separate_signs ? 0x04 : 0) | p.run_mode);

  w.u16(kCdt);
  w.u16(2 + 2 * p.components);
  for (int c = 0; c < p.components; ++c) {
    w.u8(p.component[c].depth);
    w.u8(p.component[c].sx << 4 | p.component[c].sy);
  }

  w.u16(kWgt);
  w.u16(2 + 2 * g.bands);
  for (int b = 0; b < g.bands; ++b) {
    w.u8(p.gain[b]);
    w.u8(p.priority[b]);
  }
  return w.at;
}

uint8_t* write_slice_header(int index, uint8_t* out) {
  Writer w{out};
  w.u16(kSlh);
  w.u16(4);
  w.u16(index);
  return w.at;
}

uint8_t* write_end(uint8_t* out) {
  Writer w{out};
  w.u16(kEoc);
  return w.at;
}

}  // namespace plcv::jpegxs
