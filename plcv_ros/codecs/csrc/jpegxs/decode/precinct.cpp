// SPDX-License-Identifier: Apache-2.0
#include "jpegxs/decode/precinct.h"

#include <algorithm>
#include <cstring>

namespace plcv::jpegxs::decoding {
namespace {

constexpr int kVertical = 1, kSignificance = 2;  // bits of D
constexpr int kPrecinctLimit = 1 << 20;
// Signs are counted while they are read: a line of 16384 groups can run that far beyond its sub-packet before it is noticed.
constexpr int kSignReadAhead = 65536 / 8 + kReadAhead;

int up_to(int n, int unit) { return (n + unit - 1) / unit * unit; }

int groups_of(int coefficients) { return (coefficients + kGroupSize - 1) / kGroupSize; }

int significance_groups(int groups) { return (groups + kSignificanceGroupSize - 1) / kSignificanceGroupSize; }

uint64_t read_bytes(const uint8_t* p, int n) {
  uint64_t value = 0;
  for (int i = 0; i < n; ++i) value = (value << 8) | p[i];
  return value;
}

// Ones among `count` bits from bit `first` on; reads up to 8 bytes beyond them.
int64_t set_bits(const uint8_t* data, int64_t first, int count) {
  int64_t sum = 0;
  for (; count > 0; first += 56, count -= 56) {
    const uint64_t bits = read_bytes(data + (first >> 3), 8) << (first & 7);
    sum += __builtin_popcountll(count >= 56 ? bits >> 8 : bits >> (64 - count));
  }
  return sum;
}

std::string packet_error(const Packet& packet, const std::string& what) {
  return what + " in the packet of line " + std::to_string(packet.line) + " of bands " + std::to_string(packet.first) + " to " +
         std::to_string(packet.last - 1);
}

}  // namespace

CoefficientLayout::CoefficientLayout(const Geometry& geometry) {
  for (int b = 0; b < geometry.bands; ++b) {
    for (int line = 0; line < 2; ++line) {
      start[b][line] = size;
      if (line < geometry.band[b].lines) size += static_cast<std::size_t>(up_to(geometry.band[b].width, kLineAlign) + kLineAlign);
    }
  }
}

PrecinctDecoder::PrecinctDecoder(const Kernels& kernels, const Codestream& codestream, const CoefficientLayout& layout)
    : kernels_(kernels), parameters_(codestream.parameters), geometry_(codestream.geometry), layout_(layout), codestream_(codestream.data) {
  const Geometry& g = geometry_;
  std::size_t size = 0;
  for (int column = 0; column < g.precinct_columns; ++column) {
    for (int b = 0; b < g.bands; ++b) {
      counts_start_.push_back(size);
      size += static_cast<std::size_t>(up_to(groups_of(g.column_coefficients(b, column)), kLineAlign));
    }
  }
  counts_ = Scratch<uint8_t>(size + kReadAhead);
  truncation_above_.resize(counts_start_.size());
  std::size_t most = 0;
  for (int k = 0; k < g.packets; ++k) {
    std::size_t groups = 0;
    for (int b = g.packet[k].first; b < g.packet[k].last; ++b) groups += static_cast<std::size_t>(groups_of(g.band[b].width));
    most = std::max(most, groups);
  }
  values_ = Scratch<uint8_t>(most + kReadAhead + kLineAlign);
}

std::string PrecinctDecoder::decode(std::size_t at, std::size_t payload, int row, int column, bool first_of_slice, int16_t* coefficients) {
  const Geometry& g = geometry_;
  const std::size_t header_bytes = static_cast<std::size_t>(g.precinct_header_bytes());
  // A copy that can be read beyond its end.
  const std::size_t size = header_bytes + payload;
  if (bytes_.size() < size + kSignReadAhead)
    bytes_ = Scratch<uint8_t>(std::min<std::size_t>(2 * size, kPrecinctLimit + header_bytes) + kSignReadAhead);
  std::memcpy(bytes_.data(), codestream_ + at, size);
  const uint8_t* header = bytes_.data();
  const int quantization = header[3], refinement = header[4];
  const std::string name = "precinct " + std::to_string(column) + " of row " + std::to_string(row);
  for (int b = 0; b < g.bands; ++b) {
    mode_[b] = (header[5 + b / 4] >> (6 - 2 * (b % 4))) & 3;
    if (first_of_slice && (mode_[b] & kVertical) != 0) {
      return name + ": D of band " + std::to_string(b) + " is " + std::to_string(mode_[b]) + ", expected 0 or 2 in the first precinct row of a slice";
    }
    const int t = quantization - parameters_.gain[b] - (parameters_.priority[b] < refinement ? 1 : 0);
    truncation_[b] = static_cast<uint8_t>(std::clamp(t, 0, kMaxPlanes));
  }
  const uint8_t* position = header + header_bytes;
  for (int k = 0; k < g.packets; ++k) {
    const std::string error = decode_packet(g.packet[k], row, column, coefficients, &position, header + size);
    if (!error.empty()) return name + ": " + error;
  }
  std::copy(truncation_, truncation_ + g.bands, truncation_above_.data() + static_cast<std::size_t>(column) * static_cast<std::size_t>(g.bands));
  return {};
}

std::string PrecinctDecoder::read_counts(const Packet& packet, int lines, int column, const uint8_t* flags, const uint8_t* data, int64_t bytes) {
  // Significance flags say how many code words there are.
  int64_t words = 0, flag = 0;
  for (int i = 0; i < lines; ++i) {
    const int groups = lines_[i].groups, sets = significance_groups(groups);
    words += groups;
    if ((mode_[lines_[i].band] & kSignificance) == 0 || sets == 0) continue;
    words -= kSignificanceGroupSize * set_bits(flags, flag, sets);
    if (set_bits(flags, flag + sets - 1, 1) != 0) words += kSignificanceGroupSize * sets - groups;
    flag += sets;
  }
  if (!kernels_.unary(data, bytes, words, values_.data())) {
    return packet_error(packet, "Lcnt is " + std::to_string(bytes) + ", expected " + std::to_string(words) + " unary code words of at most 31 ones");
  }
  const uint8_t* values = values_.data();
  flag = 0;
  for (int i = 0; i < lines; ++i) {
    const Line& line = lines_[i];
    const int b = line.band;
    const bool flagged = (mode_[b] & kSignificance) != 0;
    CountsJob job;
    job.counts = counts_.data() + line.counts;
    job.groups = line.groups;
    job.values = values;
    job.flags = flagged ? flags : nullptr;
    job.first_flag = flag;
    job.truncation = truncation_[b];
    job.truncation_above =
        packet.line > 0
            ? truncation_[b]
            : truncation_above_[static_cast<std::size_t>(column) * static_cast<std::size_t>(geometry_.bands) + static_cast<std::size_t>(b)];
    job.vertical = (mode_[b] & kVertical) != 0;
    job.run_mode = parameters_.run_mode;
    const int64_t used = kernels_.counts(job);
    if (used < 0) return packet_error(packet, "bit-plane count of band " + std::to_string(b) + " is 16 or more, expected at most 15");
    values += used;
    if (flagged) flag += significance_groups(line.groups);
  }
  return {};
}

std::string PrecinctDecoder::decode_packet(const Packet& packet, int row, int column, int16_t* coefficients, const uint8_t** at, const uint8_t* end) {
  const Geometry& g = geometry_;
  int lines = 0;
  int64_t flags_needed = 0, groups_total = 0;
  for (int b = packet.first; b < packet.last; ++b) {
    if (packet.line >= g.present_lines(b, row)) continue;
    Line& line = lines_[lines++];
    line.band = b;
    line.groups = groups_of(g.column_coefficients(b, column));
    line.counts = counts_start_[static_cast<std::size_t>(column) * static_cast<std::size_t>(g.bands) + static_cast<std::size_t>(b)];
    groups_total += line.groups;
    if ((mode_[b] & kSignificance) != 0) flags_needed += significance_groups(line.groups);
  }
  if (lines == 0) return {};

  const bool long_header = parameters_.long_packet_headers();
  const uint8_t* p = *at;
  if (end - p < (long_header ? 7 : 5)) return packet_error(packet, "Lprc ends within the packet header");
  const uint64_t header = long_header ? read_bytes(p, 7) : read_bytes(p, 5);
  const int length_bits = long_header ? 20 : 15, count_bits = long_header ? 20 : 13, sign_bits = long_header ? 15 : 11;
  const int64_t sign_bytes = static_cast<int64_t>(header & ((uint64_t{1} << sign_bits) - 1));
  const int64_t count_bytes = static_cast<int64_t>((header >> sign_bits) & ((uint64_t{1} << count_bits) - 1));
  const int64_t data_bytes = static_cast<int64_t>((header >> (sign_bits + count_bits)) & ((uint64_t{1} << length_bits) - 1));
  const bool raw = (header >> (sign_bits + count_bits + length_bits)) != 0;
  if (!parameters_.separate_signs && sign_bytes != 0)
    return packet_error(packet, "Lsgn is " + std::to_string(sign_bytes) + ", expected 0, since Fs is 0");
  const int64_t flag_bytes = raw ? 0 : (flags_needed + 7) / 8;
  p += long_header ? 7 : 5;
  if (flag_bytes + count_bytes + data_bytes + sign_bytes > end - p) {
    return packet_error(packet, "sub-packets of " + std::to_string(flag_bytes) + " + " + std::to_string(count_bytes) + " + " +
                                    std::to_string(data_bytes) + " + " + std::to_string(sign_bytes) +
                                    " bytes (flags, Lcnt, Ldat, Lsgn), expected at most the " + std::to_string(end - p) + " that are left");
  }
  const uint8_t *flags = p, *counts = flags + flag_bytes, *data = counts + count_bytes, *signs = data + data_bytes;
  *at = signs + sign_bytes;

  if (raw) {
    if (groups_total > 2 * count_bytes) {
      return packet_error(packet, "Lcnt is " + std::to_string(count_bytes) + ", expected at least " + std::to_string((groups_total + 1) / 2) +
                                      " bytes of raw counts");
    }
    int64_t nibble = 0;
    for (int i = 0; i < lines; ++i) {
      kernels_.raw_counts(counts, nibble, lines_[i].groups, counts_.data() + lines_[i].counts);
      nibble += lines_[i].groups;
    }
  } else {
    const std::string error = read_counts(packet, lines, column, flags, counts, count_bytes);
    if (!error.empty()) return error;
  }

  int64_t nibbles = 0;
  for (int i = 0; i < lines; ++i) {
    nibbles += kernels_.data_nibbles(counts_.data() + lines_[i].counts, lines_[i].groups, truncation_[lines_[i].band], parameters_.separate_signs);
  }
  if (nibbles > 2 * data_bytes) {
    return packet_error(packet, "Ldat is " + std::to_string(data_bytes) + ", expected at least " + std::to_string((nibbles + 1) / 2) + " bytes");
  }
  CoefficientsJob job;
  job.uniform = parameters_.uniform_quantizer;
  job.separate_signs = parameters_.separate_signs;
  job.data = data;
  job.nibble = 0;
  job.signs = signs;
  job.sign = 0;
  for (int i = 0; i < lines; ++i) {
    const Line& line = lines_[i];
    job.coefficients = coefficients + layout_.start[line.band][packet.line] + g.column_start(line.band, column);
    job.counts = counts_.data() + line.counts;
    job.groups = line.groups;
    job.truncation = truncation_[line.band];
    kernels_.coefficients(&job);
    if (job.sign > 8 * sign_bytes) {
      return packet_error(packet, "Lsgn is " + std::to_string(sign_bytes) + ", expected at least " + std::to_string((job.sign + 7) / 8) + " bytes");
    }
  }
  return {};
}

}  // namespace plcv::jpegxs::decoding
