// SPDX-License-Identifier: Apache-2.0
#include "jpegxs/decode/codestream.h"

#include <algorithm>

#include "jpegxs/header.h"

namespace plcv::jpegxs::decoding {
namespace {

constexpr std::size_t kSliceHeaderBytes = 6;
constexpr std::size_t kEndBytes = 2;

int read16(const uint8_t* p) { return (p[0] << 8) | p[1]; }

// The least that a precinct can take: headers, and a significance flag for each significance group.
int64_t least_precinct_bytes(const Parameters& parameters, const Geometry& geometry, int row, int column) {
  int64_t bytes = geometry.precinct_header_bytes();
  for (int k = 0; k < geometry.packets; ++k) {
    const Packet& packet = geometry.packet[k];
    bool present = false;
    int64_t flags = 0;
    for (int b = packet.first; b < packet.last; ++b) {
      if (packet.line >= geometry.present_lines(b, row)) continue;
      present = true;
      flags += (geometry.column_coefficients(b, column) + kGroupSize * kSignificanceGroupSize - 1) / (kGroupSize * kSignificanceGroupSize);
    }
    if (present) bytes += (parameters.long_packet_headers() ? 7 : 5) + (flags + 7) / 8;
  }
  return bytes;
}

int64_t least_bytes(const Codestream& c) {
  const Geometry& g = c.geometry;
  const auto row_bytes = [&](int row) {
    return (g.precinct_columns - 1) * least_precinct_bytes(c.parameters, g, row, 0) +
           least_precinct_bytes(c.parameters, g, row, g.precinct_columns - 1);
  };
  return static_cast<int64_t>(c.header_bytes + kSliceHeaderBytes * static_cast<std::size_t>(g.slices) + kEndBytes) +
         (g.precinct_rows - 1) * row_bytes(0) + row_bytes(g.precinct_rows - 1);
}

std::string precinct_name(int row, int column) { return "precinct " + std::to_string(column) + " of row " + std::to_string(row); }

}  // namespace

std::string open_codestream(const uint8_t* data, std::size_t size, int64_t max_pixels, Codestream* codestream, bool partial) {
  Codestream& c = *codestream;
  c.partial = partial;
  c.data = data;
  c.available = size;
  std::string error = parse_header(data, size, max_pixels, &c.parameters, &c.header_bytes, partial);
  if (!error.empty()) return error;
  error = make_geometry(c.parameters, &c.geometry);
  if (!error.empty()) return error;
  if (partial) c.parameters.length = 0;
  c.size = c.parameters.length != 0 ? c.parameters.length : size;
  if (partial) return {};
  const int64_t least = least_bytes(c);
  if (static_cast<int64_t>(c.size) < least) {
    return "codestream has " + std::to_string(c.size) + " bytes, expected at least " + std::to_string(least) + " for " +
           std::to_string(c.parameters.width) + "x" + std::to_string(c.parameters.height);
  }
  return {};
}

std::string find_slices(Codestream* codestream, std::vector<std::size_t>* starts) {
  Codestream& c = *codestream;
  const Geometry& g = c.geometry;
  const std::size_t header_bytes = static_cast<std::size_t>(g.precinct_header_bytes());
  std::size_t at = c.header_bytes;
  starts->clear();
  for (int slice = 0; slice < g.slices; ++slice) {
    const std::string name = "slice " + std::to_string(slice);
    if (c.partial && c.size - at >= kEndBytes && read16(c.data + at) == marker::kEnd) {
      starts->push_back(kMissingSlice);
      continue;
    }
    if (c.size - at < kSliceHeaderBytes) return "codestream of " + std::to_string(c.size) + " bytes ends before " + name;
    const int code = read16(c.data + at), length = read16(c.data + at + 2), index = read16(c.data + at + 4);
    if (code != marker::kSlice || length != 4) {
      return "marker " + marker_text(code) + " of length " + std::to_string(length) + " at byte " + std::to_string(at) +
             ", expected SLH (ff20) of length 4 for " + name;
    }
    if (c.partial && index > slice && index < g.slices) {
      starts->push_back(kMissingSlice);
      continue;
    }
    if (index != (slice & 0xFFFF)) return "Islh is " + std::to_string(index) + ", expected " + std::to_string(slice);
    at += kSliceHeaderBytes;
    starts->push_back(at);
    const int first_row = slice * c.parameters.slice_precinct_rows,
              last_row = std::min(first_row + c.parameters.slice_precinct_rows, g.precinct_rows);
    for (int row = first_row; row < last_row; ++row) {
      for (int column = 0; column < g.precinct_columns; ++column) {
        if (c.size - at < header_bytes)
          return "codestream of " + std::to_string(c.size) + " bytes ends within the header of " + precinct_name(row, column);
        const std::size_t length_field = precinct_bytes(c.data + at), left = c.size - at - header_bytes;
        if (length_field > kMaxPrecinctBytes)
          return "Lprc of " + precinct_name(row, column) + " is " + std::to_string(length_field) + ", expected less than 2^20";
        if (length_field > left) {
          return "Lprc of " + precinct_name(row, column) + " is " + std::to_string(length_field) + ", expected at most the " + std::to_string(left) +
                 " bytes that are left";
        }
        at += header_bytes + length_field;
      }
    }
  }
  if (c.size - at < kEndBytes) return "codestream of " + std::to_string(c.size) + " bytes ends before EOC";
  const int code = read16(c.data + at);
  if (code != marker::kEnd) return "marker " + marker_text(code) + " at byte " + std::to_string(at) + ", expected EOC (ff11)";
  at += kEndBytes;
  if (c.parameters.length != 0 && at != c.size) return "Lcod is " + std::to_string(c.size) + ", expected " + std::to_string(at) + ", where EOC ends";
  c.size = at;
  if (c.available > at && !has_magic(c.data + at, c.available - at)) {
    return std::to_string(c.available - at) + " bytes follow the codestream's " + std::to_string(at) +
           ", expected none or another codestream (ff10 ff50)";
  }
  return {};
}

}  // namespace plcv::jpegxs::decoding
