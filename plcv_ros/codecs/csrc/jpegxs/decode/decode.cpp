// SPDX-License-Identifier: Apache-2.0
#include "jpegxs/decode/decode.h"

#include <algorithm>
#include <vector>

#include "jpegxs/decode/precinct.h"
#include "jpegxs/decode/synthesis.h"

namespace plcv::jpegxs::decoding {

std::string decode(const Kernels& kernels, Codestream codestream, const Destination& destination, int /*threads*/) {
  std::vector<std::size_t> starts;
  std::string error = find_slices(&codestream, &starts);
  if (!error.empty()) return error;
  const Parameters& p = codestream.parameters;
  const Geometry& g = codestream.geometry;
  const CoefficientLayout layout(g);
  PrecinctDecoder precincts(kernels, codestream, layout);
  std::vector<Synthesis> synthesis;
  for (int c = 0; c < p.components; ++c) synthesis.emplace_back(kernels, codestream, layout, c);
  LineWriter writer(kernels, codestream, destination);
  std::vector<int16_t> coefficients[2];
  for (auto& row : coefficients) row.resize(layout.size);
  const std::size_t header_bytes = static_cast<std::size_t>(g.precinct_header_bytes());
  std::size_t at = 0;
  int written = 0;
  for (int row = 0; row < g.precinct_rows; ++row) {
    const bool first_of_slice = row % p.slice_precinct_rows == 0;
    if (first_of_slice) at = starts[static_cast<std::size_t>(row / p.slice_precinct_rows)];
    int16_t* current = coefficients[row & 1].data();
    for (int column = 0; column < g.precinct_columns; ++column) {
      error = precincts.decode(at, row, column, first_of_slice, current);
      if (!error.empty()) return error;
      at += header_bytes + precinct_bytes(codestream.data + at);
    }
    for (Synthesis& s : synthesis) s.push(current, coefficients[(row - 1) & 1].data());
    const auto ready = [&](int y) {
      for (int c = 0; c < p.components; ++c) {
        if (y / p.component[c].sy >= synthesis[static_cast<std::size_t>(c)].complete()) return false;
      }
      return true;
    };
    for (; written < p.height && ready(written); ++written) {
      const int32_t* lines[kMaxComponents];
      for (int c = 0; c < p.components; ++c) lines[c] = synthesis[static_cast<std::size_t>(c)].line(written / p.component[c].sy);
      writer.write(written, lines);
    }
  }
  return {};
}

}  // namespace plcv::jpegxs::decoding
