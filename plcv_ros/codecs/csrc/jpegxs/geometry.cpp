// SPDX-License-Identifier: Apache-2.0
#include "jpegxs/geometry.h"

#include <algorithm>

namespace plcv::jpegxs {
namespace {

int ceil_div(int a, int b) { return (a + b - 1) / b; }

// Length of a line of n samples after `depth` splits: the low part each time, but for the last one where `high`.
int split_length(int n, int depth, bool high) {
  for (int level = 1; level <= depth; ++level) n = (level == depth && high) ? n / 2 : ceil_div(n, 2);
  return n;
}

struct Position {
  int dx, dy;
  bool high_x, high_y;
};

// Position beta in the decomposition of a component that is not subsampled vertically.
Position position_of(int beta, int levels_x, int levels_y) {
  if (beta == 0) return {levels_x, levels_y, false, false};
  const int horizontal = levels_x - levels_y;
  if (beta <= horizontal) return {levels_x + 1 - beta, levels_y, true, false};
  const int rest = beta - horizontal - 1, level = levels_y - rest / 3, kind = rest % 3;
  return {level, level, kind != 1, kind != 0};
}

std::string size_text(int width, int height) { return std::to_string(width) + "x" + std::to_string(height); }

}  // namespace

std::string make_geometry(const Parameters& p, Geometry* g) {
  if (p.width < 1 || p.height < 1) return "picture size is " + size_text(p.width, p.height) + ", expected at least 1x1";
  if (p.components != 1 && p.components != 3) return "Nc is " + std::to_string(p.components) + ", expected 1 or 3 components";
  if (p.levels_x < 1 || p.levels_x > kMaxHorizontalLevels) return "NLx is " + std::to_string(p.levels_x) + ", expected 1 to 8";
  if (p.levels_y < 0 || p.levels_y > std::min(p.levels_x, kMaxVerticalLevels)) {
    return "NLy is " + std::to_string(p.levels_y) + ", expected 0 to " + std::to_string(std::min(p.levels_x, kMaxVerticalLevels));
  }
  if (p.slice_precinct_rows < 1) return "Hsl is " + std::to_string(p.slice_precinct_rows) + ", expected at least 1";
  int max_sx = 1;
  for (int c = 0; c < p.components; ++c) {
    const Component& component = p.component[c];
    const std::string name = "component " + std::to_string(c);
    if (component.sx < 1 || component.sx > 2 || component.sy < 1 || component.sy > 2 || component.sy > component.sx || (c == 0 && component.sx > 1)) {
      return name + " has sampling factors " + size_text(component.sx, component.sy) + ", expected 4:4:4, 4:2:2 or 4:2:0";
    }
    if (c == 2 && (component.sx != p.component[1].sx || component.sy != p.component[1].sy)) {
      return name + " has sampling factors " + size_text(component.sx, component.sy) + ", expected those of component 1";
    }
    if (p.width % component.sx != 0 || p.height % component.sy != 0) {
      return "picture size is " + size_text(p.width, p.height) + ", expected multiples of the sampling factors " +
             size_text(component.sx, component.sy);
    }
    g->component_width[c] = p.width / component.sx;
    g->component_height[c] = p.height / component.sy;
    g->component_levels_y[c] = p.levels_y - (component.sy - 1);
    if (g->component_levels_y[c] < 0) return "NLy is 0, expected at least 1 with 4:2:0";
    max_sx = std::max(max_sx, component.sx);
  }

  g->precinct_lines = 1 << p.levels_y;
  g->precinct_rows = ceil_div(p.height, g->precinct_lines);
  g->slices = ceil_div(g->precinct_rows, p.slice_precinct_rows);
  const int64_t column = int64_t{8} * p.precinct_width * max_sx << p.levels_x;
  const int column_samples = p.precinct_width == 0 || column >= p.width ? p.width : static_cast<int>(column);
  g->precinct_columns = ceil_div(p.width, column_samples);

  const int horizontal = p.levels_x - p.levels_y, positions = p.levels_x + 2 * p.levels_y + 1;
  int first_of_beta[kMaxHorizontalLevels + 2 * kMaxVerticalLevels + 2];
  g->bands = 0;
  for (int beta = 0; beta < positions; ++beta) {
    first_of_beta[beta] = g->bands;
    for (int c = 0; c < p.components; ++c) {
      g->band_index[c][beta] = -1;
      const Component& component = p.component[c];
      const Position full = position_of(beta, p.levels_x, p.levels_y);
      const bool one_level_less = component.sy == 2;
      // The level that the component lacks vertically is split horizontally only.
      if (one_level_less && full.dy == p.levels_y && full.high_y) continue;
      const int dy = one_level_less && full.dy == p.levels_y ? p.levels_y - 1 : full.dy;
      Band& band = g->band[g->bands];
      band.component = c;
      band.beta = beta;
      band.dx = full.dx;
      band.dy = dy;
      band.high_x = full.high_x;
      band.high_y = full.high_y;
      band.width = split_length(g->component_width[c], full.dx, full.high_x);
      band.height = split_length(g->component_height[c], dy, full.high_y);
      band.lines = (g->precinct_lines / component.sy) >> dy;
      band.column_width = g->precinct_columns == 1 ? band.width : column_samples / (component.sx << full.dx);
      if (band.width < 1 || band.height < 1) {
        return "picture size is " + size_text(p.width, p.height) + ", too small for " + std::to_string(p.levels_x) + " horizontal and " +
               std::to_string(p.levels_y) + " vertical levels (band " + std::to_string(g->bands) + " would be empty), expected no empty band";
      }
      g->band_index[c][beta] = g->bands++;
    }
  }
  first_of_beta[positions] = g->bands;

  // The bands that are split horizontally only share the first packet; then one packet a position and line.
  g->packets = 0;
  g->packet[g->packets++] = {0, 0, first_of_beta[horizontal + 1]};
  for (int line = 0; line < (p.levels_y == 2 ? 2 : 1); ++line) {
    for (int beta = horizontal + 1; beta < positions; ++beta) {
      bool has_line = false;
      for (int b = first_of_beta[beta]; b < first_of_beta[beta + 1]; ++b) has_line = has_line || g->band[b].lines > line;
      if (has_line) g->packet[g->packets++] = {line, first_of_beta[beta], first_of_beta[beta + 1]};
    }
  }
  return {};
}

}  // namespace plcv::jpegxs
