// SPDX-License-Identifier: Apache-2.0
// Fields of precinct and packet headers (ISO/IEC 21122-1, Annex C) and what they can hold.
#pragma once

#include "jpegxs/parameters.h"

namespace plcv::jpegxs::encoding {

// Exclusive upper limits, in bytes.
struct PacketLimits {
  int data, counts, signs;
};

constexpr int kShortDataBits = 15, kShortCountBits = 13, kShortSignBits = 11;
constexpr int kLongDataBits = 20, kLongCountBits = 20, kLongSignBits = 15;
constexpr PacketLimits kShortLimits = {1 << kShortDataBits, 1 << kShortCountBits, 1 << kShortSignBits};
constexpr PacketLimits kLongLimits = {1 << kLongDataBits, 1 << kLongCountBits, 1 << kLongSignBits};
constexpr int kPrecinctLimit = 1 << 20;

inline int packet_header_bytes(const Parameters& p) { return p.long_packet_headers() ? 7 : 5; }
inline PacketLimits packet_limits(const Parameters& p) { return p.long_packet_headers() ? kLongLimits : kShortLimits; }

}  // namespace plcv::jpegxs::encoding
