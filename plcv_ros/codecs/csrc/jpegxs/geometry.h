// SPDX-License-Identifier: Apache-2.0
// How the coefficients of a picture lie in bands, precincts, slices and packets (ISO/IEC 21122-1, Annex B). Encoder and decoder share it.
#pragma once

#include <string>

#include "jpegxs/parameters.h"

namespace plcv::jpegxs {

constexpr int kMaxPackets = 1 + 2 * 3 * kMaxVerticalLevels;

// One band b: position beta in the decomposition of one component.
struct Band {
  int component;
  int beta;
  int dx, dy;           // depth of the decomposition, horizontally and vertically
  bool high_x, high_y;  // HL and HH are high in x, LH and HH in y
  int width, height;    // coefficients in the picture
  int lines;            // lines in a full precinct
  int column_width;     // coefficients a line in a full precinct column
};

// Line `line` of the bands [first, last) of a precinct; a band takes part where the precinct has that line of it.
struct Packet {
  int line;
  int first, last;
};

struct Geometry {
  int component_width[kMaxComponents], component_height[kMaxComponents];
  int component_levels_y[kMaxComponents];  // NLy': vertical levels of the component
  int bands;                               // NB
  Band band[kMaxBands];
  int band_index[kMaxComponents][kMaxHorizontalLevels + 2 * kMaxVerticalLevels + 1];  // [c][beta] -> b, or -1
  int packets;
  Packet packet[kMaxPackets];
  int precinct_lines;    // Hp: grid lines of a precinct row
  int precinct_columns;  // NPx
  int precinct_rows;     // NPy
  int slices;

  // Lines of band b in precinct row `row`: n[p,b].
  int present_lines(int b, int row) const {
    const int left = band[b].height - row * band[b].lines;
    return left < 0 ? 0 : (left < band[b].lines ? left : band[b].lines);
  }
  // First coefficient and number of coefficients of band b in precinct column `column`.
  int column_start(int b, int column) const { return column * band[b].column_width; }
  int column_coefficients(int b, int column) const {
    const int left = band[b].width - column_start(b, column);
    return left < band[b].column_width || column + 1 == precinct_columns ? left : band[b].column_width;
  }
  int precinct_header_bytes() const { return (40 + 2 * bands + 7) / 8; }
};

// Fills `geometry` from sizes, sampling and levels. Returns an empty string, or what is wrong with them: the value and what was expected.
std::string make_geometry(const Parameters& parameters, Geometry* geometry);

}  // namespace plcv::jpegxs
