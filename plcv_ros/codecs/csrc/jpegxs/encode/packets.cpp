// SPDX-License-Identifier: Apache-2.0
#include "jpegxs/encode/packets.h"

#include <algorithm>
#include <cstring>

#include "jpegxs/encode/packet_layout.h"
#include "scratch_poison.h"

namespace plcv::jpegxs::encoding {
namespace {

constexpr int kLengthBytes = 3;

void put_big_endian(uint64_t value, int bytes, uint8_t* out) {
  for (int i = bytes - 1; i >= 0; --i, value >>= 8) out[i] = static_cast<uint8_t>(value);
}

void write_packet_header(const Parameters& p, bool raw, int64_t data, int64_t counts, int64_t signs, uint8_t* out) {
  const bool wide = p.long_packet_headers();
  const auto field = [](int64_t value) { return static_cast<uint64_t>(value); };
  uint64_t bits = raw ? 1 : 0;
  bits = bits << (wide ? kLongDataBits : kShortDataBits) | field(data);
  bits = bits << (wide ? kLongCountBits : kShortCountBits) | field(counts);
  bits = bits << (wide ? kLongSignBits : kShortSignBits) | field(signs);
  put_big_endian(bits, packet_header_bytes(p), out);
}

}  // namespace

void PrecinctBuffers::resize(const Plan& plan) {
  const Geometry& g = plan.geometry;
  std::size_t groups = 0, largest = 0;
  for (int i = 0; i < g.packets; ++i) {
    std::size_t sum = 0;
    for (int b = g.packet[i].first; b < g.packet[i].last; ++b)
      sum += static_cast<std::size_t>((g.band[b].width + kGroupSize - 1) / kGroupSize + kGroupBlock);
    groups += sum;
    largest = std::max(largest, sum);
  }
  // Of a group at most: 8 bytes of data, 4 of its count, 1 of its signs; and a flag.
  const auto grow = [](std::vector<uint8_t>* v, std::size_t size) {
    allow_scratch(v->data(), v->size());
    if (v->size() < size) v->resize(size);
    fill_scratch(v->data(), v->size());
    forbid_scratch(v->data() + size, v->size() - size);
  };
  grow(&bytes, static_cast<std::size_t>(g.precinct_header_bytes()) + 16 * groups + static_cast<std::size_t>(g.packets) * 16 + kLineSlack);
  grow(&signs, largest + kLineSlack);
  grow(&scratch, kScratchPerGroup * largest + kLineSlack);
}

int64_t write_precinct(const Kernels& kernels, const Plan& plan, int row, int step, PrecinctCosts* costs, PrecinctBuffers* buffers) {
  const Parameters& p = plan.parameters;
  const Geometry& g = plan.geometry;
  uint8_t* const start = buffers->bytes.data();
  std::memset(start, 0, static_cast<std::size_t>(g.precinct_header_bytes()));
  costs->set_step(step);
  for (int b = 0; b < g.bands; ++b) start[kLengthBytes + 2 + b / 4] |= static_cast<uint8_t>(costs->mode(b) << (6 - 2 * (b % 4)));
  start[kLengthBytes] = static_cast<uint8_t>(costs->step(step).q);
  start[kLengthBytes + 1] = static_cast<uint8_t>(costs->step(step).r);

  uint8_t* out = start + g.precinct_header_bytes();
  for (int i = 0; i < g.packets; ++i) {
    const Packet& packet = g.packet[i];
    BandLine lines[kMaxBands];
    int count = 0;
    for (int b = packet.first; b < packet.last; ++b) {
      if (packet.line >= g.present_lines(b, row)) continue;
      lines[count++] = costs->line(b, packet.line);
    }
    if (count == 0) continue;
    const bool raw = costs->raw(i);
    uint8_t* const header = out;
    uint8_t* const counts = raw ? header + packet_header_bytes(p) : kernels.pack_flags(lines, count, header + packet_header_bytes(p));
    uint8_t* const data = raw ? kernels.pack_raw_counts(lines, count, counts) : kernels.pack_counts(lines, count, counts);
    uint8_t* signs_end = buffers->signs.data();
    uint8_t* const data_end =
        kernels.pack_data(lines, count, {p.uniform_quantizer, p.separate_signs}, data, buffers->signs.data(), &signs_end, buffers->scratch.data());
    const std::ptrdiff_t signs = signs_end - buffers->signs.data();
    std::memcpy(data_end, buffers->signs.data(), static_cast<std::size_t>(signs));
    out = data_end + signs;
    write_packet_header(p, raw, data_end - data, data - counts, signs, header);
  }
  const int64_t bytes = out - start;
  pad_precinct(plan, start, bytes, 0);
  return bytes;
}

void pad_precinct(const Plan& plan, uint8_t* precinct, int64_t bytes, int64_t padding) {
  put_big_endian(static_cast<uint64_t>(bytes - plan.geometry.precinct_header_bytes() + padding), kLengthBytes, precinct);
}

}  // namespace plcv::jpegxs::encoding
