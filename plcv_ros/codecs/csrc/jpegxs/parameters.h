// SPDX-License-Identifier: Apache-2.0
// What the header segments of a JPEG XS codestream say (ISO/IEC 21122-1, Annex A). Field names are the standard's.
#pragma once

#include <cstddef>
#include <cstdint>

namespace plcv::jpegxs {

constexpr int kMaxComponents = 3;
constexpr int kMaxHorizontalLevels = 8;
constexpr int kMaxVerticalLevels = 2;
constexpr int kMaxBands = kMaxComponents * (kMaxHorizontalLevels + 2 * kMaxVerticalLevels + 1);
constexpr int kGroupSize = 4;              // Ng: coefficients of a code group
constexpr int kSignificanceGroupSize = 8;  // Ss: code groups of a significance group
constexpr int kMaxPlanes = 15;             // largest bit-plane count M

struct Component {
  int depth = 8;       // B[c]
  int sx = 1, sy = 1;  // sampling factors
};

// Non-linear output transform; type 0 is none, 1 quadratic, 2 extended.
struct Nonlinearity {
  int type = 0;
  int dco = 0;              // type 1
  uint32_t t1 = 0, t2 = 0;  // type 2
  int e = 0;
};

struct Parameters {
  uint32_t length = 0;             // Lcod: bytes from SOC to EOC, both included; 0 = not stated
  int profile = 0;                 // Ppih
  int level = 0;                   // Plev
  int width = 0;                   // Wf
  int height = 0;                  // Hf
  int precinct_width = 0;          // Cw: 0 is the picture's width
  int slice_precinct_rows = 0;     // Hsl
  int components = 0;              // Nc
  int wavelet_bits = 20;           // Bw
  int fraction_bits = 8;           // Fq
  bool colour_transform = false;   // Cpih = 1, the RCT
  int levels_x = 5;                // NLx
  int levels_y = 1;                // NLy
  bool long_headers = false;       // Lh
  bool packet_raw = true;          // Rl
  bool uniform_quantizer = false;  // Qpih
  bool separate_signs = false;     // Fs
  int run_mode = 0;                // Rm
  uint16_t capabilities = 0;       // CAP, bit 0 of the text is the most significant bit
  Component component[kMaxComponents];
  uint8_t gain[kMaxBands] = {};      // G, in order of b
  uint8_t priority[kMaxBands] = {};  // P
  Nonlinearity nonlinearity;

  // Packet headers of seven bytes instead of five.
  bool long_packet_headers() const { return long_headers || width * components >= 32752; }
};

}  // namespace plcv::jpegxs
