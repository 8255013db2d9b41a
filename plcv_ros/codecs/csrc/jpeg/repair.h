// SPDX-License-Identifier: Apache-2.0
// Whether all blocks of a sequential JPEG file are there, and the file without the bytes that belong to nothing (ITU-T T.81, annexes B and F).
// Nothing is decoded but code lengths: what a decoder warns of, and what it then makes up, cannot be told apart from outside it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace plcv::jpeg {

// Writes the file from SOI to the end of its last block, and EOI, to `repaired`: stray bytes before restart markers, between scans and
// behind the last block are left out. Returns what is wrong with it otherwise, empty if nothing is. Time and memory are bounded by `size`,
// whatever the header says: a block takes at least two bits.
std::string repair(const uint8_t* data, std::size_t size, std::vector<uint8_t>* repaired);

}  // namespace plcv::jpeg
