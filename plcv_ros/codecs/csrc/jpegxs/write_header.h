// SPDX-License-Identifier: Apache-2.0
// The header segments of a codestream, as bytes.
#pragma once

#include <cstdint>

#include "jpegxs/geometry.h"
#include "jpegxs/parameters.h"

namespace plcv::jpegxs {

constexpr int kSliceHeaderBytes = 6;
constexpr int kEndBytes = 2;

// Bytes from SOC to the end of the last header segment.
int header_bytes(const Parameters& parameters, const Geometry& geometry);

// Writes SOC, CAP, PIH, CDT and WGT: header_bytes() bytes; returns their end.
uint8_t* write_header(const Parameters& parameters, const Geometry& geometry, uint8_t* out);

// SLH of slice `index`; returns its end.
uint8_t* write_slice_header(int index, uint8_t* out);

// EOC; returns its end.
uint8_t* write_end(uint8_t* out);

}  // namespace plcv::jpegxs
