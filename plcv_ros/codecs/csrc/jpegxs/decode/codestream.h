// SPDX-License-Identifier: Apache-2.0
// One codestream in memory: its header, its geometry, and where its slices and precincts lie.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "jpegxs/geometry.h"
#include "jpegxs/parameters.h"

namespace plcv::jpegxs::decoding {

// Where a slice that is missing from a partial codestream would start.
constexpr std::size_t kMissingSlice = ~std::size_t{0};

constexpr std::size_t kMaxPrecinctBytes = (std::size_t{1} << 20) - 1;

struct Codestream {
  const uint8_t* data = nullptr;
  std::size_t available = 0;  // bytes at hand: more codestreams may follow
  std::size_t size = 0;       // SOC to EOC where Lcod or find_slices has told, else as many as are available
  std::size_t header_bytes = 0;
  bool partial = false;  // slices may be missing: the strips of a frame that have arrived
  Parameters parameters;
  Geometry geometry;
};

// Reads the header of the first codestream in `data`. Returns an empty string, or what is wrong. Beyond the header's own checks, the bytes
// at hand must suffice for a picture of this size in which every coefficient is zero (a sample takes at least 1/256 byte), so that whatever
// is allocated for the picture is proportional to the payload.
// Where `partial`, slices may be missing and Lcod, that of the complete codestream, is ignored; then max_pixels alone bounds the picture.
std::string open_codestream(const uint8_t* data, std::size_t size, int64_t max_pixels, Codestream* codestream, bool partial = false);

// Walks over slices and precincts by their length fields: where the first precinct of each slice starts. Checks slice headers, precinct
// lengths, EOC and Lcod (missing slices of a partial codestream start at kMissingSlice), sets codestream->size, and refuses bytes behind EOC that are
// not the start of another codestream.
std::string find_slices(Codestream* codestream, std::vector<std::size_t>* starts);

// Lprc of the precinct header at `data`.
inline std::size_t precinct_bytes(const uint8_t* data) { return (std::size_t{data[0]} << 16) | (std::size_t{data[1]} << 8) | data[2]; }

}  // namespace plcv::jpegxs::decoding
