// SPDX-License-Identifier: Apache-2.0
// The bytes of a precinct to coefficients.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "jpegxs/decode/codestream.h"
#include "jpegxs/decode/kernels.h"
#include "jpegxs/decode/scratch.h"

namespace plcv::jpegxs::decoding {

// How the band lines of one precinct row lie in a buffer of coefficients: line `line` of band b starts at start[b][line] and has room for
// its coefficients up to the next multiple of kLineAlign, and for as many again that nobody reads.
struct CoefficientLayout {
  explicit CoefficientLayout(const Geometry& geometry);

  std::size_t start[kMaxBands][2];
  std::size_t size = 0;
};

// Decodes precincts of one slice after the other. Keeps what the next precinct row is predicted from.
class PrecinctDecoder {
 public:
  PrecinctDecoder(const Kernels& kernels, const Codestream& codestream, const CoefficientLayout& layout);

  // Decodes the precinct whose header starts at byte `at`, with `payload` bytes (Lprc) behind the header. Writes every coefficient of the precinct's
  // lines into the precinct row's `coefficients`. Returns an empty string or what is wrong.
  std::string decode(std::size_t at, std::size_t payload, int row, int column, bool first_of_slice, int16_t* coefficients);

 private:
  struct Line {
    int band;
    int groups;
    std::size_t counts;  // where its bit-plane counts lie in counts_
  };

  std::string decode_packet(const Packet& packet, int row, int column, int16_t* coefficients, const uint8_t** at, const uint8_t* end);
  std::string read_counts(const Packet& packet, int lines, int column, const uint8_t* flags, const uint8_t* data, int64_t bytes);

  const Kernels& kernels_;
  const Parameters& parameters_;
  const Geometry& geometry_;
  const CoefficientLayout& layout_;
  const uint8_t* codestream_;

  Scratch<uint8_t> bytes_;                 // the precinct, with room to read ahead
  Scratch<uint8_t> values_;                // unary code words of a packet
  Scratch<uint8_t> counts_;                // bit-plane counts of the last line of each band and column
  std::vector<std::size_t> counts_start_;  // [column * bands + band]
  std::vector<uint8_t> truncation_above_;  // the same; T of the precinct above
  uint8_t mode_[kMaxBands];                // D of the precinct
  uint8_t truncation_[kMaxBands];          // T
  Line lines_[kMaxBands];                  // band lines of the packet
};

}  // namespace plcv::jpegxs::decoding
