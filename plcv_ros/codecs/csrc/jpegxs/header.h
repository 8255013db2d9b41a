// SPDX-License-Identifier: Apache-2.0
// The header segments of a codestream, SOC to the last one before the first slice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "jpegxs/parameters.h"

namespace plcv::jpegxs {

namespace marker {
constexpr int kStart = 0xFF10;         // SOC
constexpr int kEnd = 0xFF11;           // EOC
constexpr int kPicture = 0xFF12;       // PIH
constexpr int kComponents = 0xFF13;    // CDT
constexpr int kWeights = 0xFF14;       // WGT
constexpr int kComment = 0xFF15;       // COM
constexpr int kNonlinearity = 0xFF16;  // NLT
constexpr int kUndecomposed = 0xFF17;  // CWD
constexpr int kStarTetrix = 0xFF18;    // CTS
constexpr int kRegistration = 0xFF19;  // CRG
constexpr int kSlice = 0xFF20;         // SLH
constexpr int kCapabilities = 0xFF50;  // CAP
}  // namespace marker

// Two bytes as they stand in the file, e.g. "ff20".
std::string marker_text(int code);

// True when the bytes start with SOC and CAP, as every codestream does.
bool has_magic(const uint8_t* data, std::size_t size);

// True when the bytes start with the signature box of a JPEG XS file (ISO/IEC 21122-3), which holds a codestream among other boxes.
bool has_file_signature(const uint8_t* data, std::size_t size);

// Reads the header of the codestream at `data` into `parameters`; `header_bytes` is where its first slice header starts. Returns an empty
// string, or what is wrong: field, value and what was expected. `size` bytes are at hand, `max_pixels` bounds Wf * Hf. Time is linear in the
// bytes of the header, memory constant. Of a `partial` codestream less may be at hand than Lcod says.
std::string parse_header(const uint8_t* data, std::size_t size, int64_t max_pixels, Parameters* parameters, std::size_t* header_bytes,
                         bool partial = false);

}  // namespace plcv::jpegxs
