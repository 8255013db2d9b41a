// SPDX-License-Identifier: Apache-2.0
// Random, valid codestreams: every coding tool, sampling, depth and precinct layout of the decoder's scope, with random coefficients in
// them. Their pictures are noise; what counts is that they take every path.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "jpegxs/geometry.h"
#include "jpegxs/header.h"
#include "jpegxs/parameters.h"
#include "random.h"

namespace plcv::jpegxs::testing {

using Random = plcv::test::Random64;

class BitWriter {
 public:
  void put(uint64_t value, int bits) {
    for (int i = bits - 1; i >= 0; --i) {
      if (used_ % 8 == 0) bytes.push_back(0);
      bytes.back() = static_cast<uint8_t>(bytes.back() | (((value >> i) & 1) << (7 - used_ % 8)));
      ++used_;
    }
  }
  std::vector<uint8_t> bytes;

 private:
  uint64_t used_ = 0;
};

class RandomStream {
 public:
  explicit RandomStream(Random& random, int largest_side) : random_(random) {
    do choose_parameters(largest_side);
    while (!make_geometry(p_, &g_).empty());
    write_header();
    write_slices();
    put16(marker::kEnd);
    if (!random_.one_in(8)) {
      for (int i = 0; i < 4; ++i) out_[length_at_ + static_cast<std::size_t>(i)] = static_cast<uint8_t>(out_.size() >> (24 - 8 * i));
    }
  }

  const std::vector<uint8_t>& bytes() const { return out_; }
  const Geometry& geometry() const { return g_; }
  const Parameters& parameters() const { return p_; }
  // Where precinct headers start.
  const std::vector<std::size_t>& precincts() const { return precincts_; }

 private:
  void choose_parameters(int largest_side) {
    Random& r = random_;
    p_ = {};
    p_.components = r.one_in(3) ? 1 : 3;
    const int sampling = p_.components == 1 ? 0 : r.below(4);  // 2: 4:2:2, 3: 4:2:0
    const int depths[] = {8, 8, 8, 10, 12, 9, 16};
    const int depth = depths[r.below(7)];
    for (int c = 0; c < p_.components; ++c) p_.component[c] = {depth, c > 0 && sampling >= 2 ? 2 : 1, c > 0 && sampling == 3 ? 2 : 1};
    p_.width = 1 + r.below(largest_side);
    p_.height = 1 + r.below(largest_side / 2);
    if (sampling >= 2) p_.width += p_.width % 2;
    if (sampling == 3) p_.height += p_.height % 2;
    p_.levels_x = r.one_in(8) ? 1 + r.below(8) : 1 + r.below(5);
    p_.levels_y = r.below(std::min(p_.levels_x, 2) + 1);
    p_.slice_precinct_rows = 1 + r.below(5);
    p_.precinct_width = r.one_in(3) ? 1 + r.below(2) : 0;
    const int precision = r.below(4);
    p_.wavelet_bits = precision == 0 ? depth : (precision == 1 ? 18 : 20);
    p_.fraction_bits = precision == 0 ? 0 : (precision == 1 ? 6 : 8);
    p_.colour_transform = sampling == 1;
    p_.long_headers = r.one_in(4);
    p_.uniform_quantizer = r.one_in(2);
    p_.separate_signs = r.one_in(2);
    p_.run_mode = r.below(2);
    if (r.one_in(8)) {
      p_.nonlinearity.type = 1 + r.below(2);
      p_.nonlinearity.dco = r.below(65536) - 32768;
      p_.nonlinearity.t1 = static_cast<uint32_t>(r.below(1 << p_.wavelet_bits));
      p_.nonlinearity.t2 = static_cast<uint32_t>(r.below(1 << p_.wavelet_bits));
      p_.nonlinearity.e = 1 + r.below(4);
    }
    for (int b = 0; b < kMaxBands; ++b) {
      p_.gain[b] = static_cast<uint8_t>(r.below(5));
      p_.priority[b] = static_cast<uint8_t>(r.below(30));
    }
  }

  void put8(int value) { out_.push_back(static_cast<uint8_t>(value)); }
  void put16(int value) {
    put8(value >> 8);
    put8(value);
  }
  void put32(uint32_t value) {
    put16(static_cast<int>(value >> 16));
    put16(static_cast<int>(value & 0xFFFF));
  }

  void write_header() {
    put16(marker::kStart);
    put16(marker::kCapabilities);
    put16(4);
    put16(0x0080);
    put16(marker::kPicture);
    put16(26);
    length_at_ = out_.size();
    put32(0);
    put32(0);
    put16(p_.width);
    put16(p_.height);
    put16(p_.precinct_width);
    put16(p_.slice_precinct_rows);
    put8(p_.components);
    put8(kGroupSize);
    put8(kSignificanceGroupSize);
    put8(p_.wavelet_bits);
    put8(p_.fraction_bits << 4 | 4);
    put8(p_.colour_transform ? 1 : 0);
    put8(p_.levels_x << 4 | p_.levels_y);
    put8((p_.long_headers ? 0x80 : 0) | 0x40 | (p_.uniform_quantizer ? 0x10 : 0) | (p_.separate_signs ? 0x04 : 0) | p_.run_mode);
    put16(marker::kComponents);
    put16(2 + 2 * p_.components);
    for (int c = 0; c < p_.components; ++c) {
      put8(p_.component[c].depth);
      put8(p_.component[c].sx << 4 | p_.component[c].sy);
    }
    put16(marker::kWeights);
    put16(2 + 2 * g_.bands);
    for (int b = 0; b < g_.bands; ++b) {
      put8(p_.gain[b]);
      put8(p_.priority[b]);
    }
    const Nonlinearity& n = p_.nonlinearity;
    if (n.type == 1) {
      put16(marker::kNonlinearity);
      put16(5);
      put8(1);
      put16(n.dco < 0 ? 0x8000 | (n.dco + 0x8000) : n.dco);
    } else if (n.type == 2) {
      put16(marker::kNonlinearity);
      put16(12);
      put8(2);
      put32(n.t1);
      put32(n.t2);
      put8(n.e);
    }
    if (random_.one_in(4)) {
      const int size = random_.below(20);
      put16(marker::kComment);
      put16(4 + size);
      put16(0x8000);
      for (int i = 0; i < size; ++i) put8(random_.below(256));
    }
  }

  void write_slices() {
    above_.assign(static_cast<std::size_t>(g_.precinct_columns * g_.bands), {});
    truncation_above_.assign(above_.size(), 0);
    for (int row = 0; row < g_.precinct_rows; ++row) {
      if (row % p_.slice_precinct_rows == 0) {
        put16(marker::kSlice);
        put16(4);
        put16(row / p_.slice_precinct_rows);
      }
      for (int column = 0; column < g_.precinct_columns; ++column) write_precinct(row, column);
    }
  }

  void write_precinct(int row, int column) {
    const int busy = random_.below(4);  // how large counts get
    const int q = random_.below(18), r = random_.below(30);
    int mode[kMaxBands], t[kMaxBands];
    BitWriter modes;
    for (int b = 0; b < g_.bands; ++b) {
      mode[b] = random_.below(4) & (row % p_.slice_precinct_rows == 0 ? 2 : 3);
      t[b] = std::clamp(q - p_.gain[b] - (p_.priority[b] < r ? 1 : 0), 0, kMaxPlanes);
      modes.put(static_cast<uint64_t>(mode[b]), 2);
    }
    precincts_.push_back(out_.size());
    const std::size_t start = out_.size();
    for (int i = 0; i < 3; ++i) put8(0);
    put8(q);
    put8(r);
    out_.insert(out_.end(), modes.bytes.begin(), modes.bytes.end());
    const std::size_t body = out_.size();
    for (int k = 0; k < g_.packets; ++k) write_packet(g_.packet[k], row, column, mode, t, busy);
    if (random_.one_in(4)) out_.resize(out_.size() + static_cast<std::size_t>(random_.below(9)));
    const std::size_t length = out_.size() - body;
    for (int i = 0; i < 3; ++i) out_[start + static_cast<std::size_t>(i)] = static_cast<uint8_t>(length >> (16 - 8 * i));
    std::copy(t, t + g_.bands, truncation_above_.begin() + column * g_.bands);
  }

  int random_count(int t, int busy) {
    if (busy == 0) return std::min(t, kMaxPlanes);
    const int extra = random_.below(busy == 3 ? 16 : 2 + busy) - 1;
    return std::clamp(t + extra, 0, kMaxPlanes);
  }

  void write_packet(const Packet& packet, int row, int column, const int* mode, const int* t, int busy) {
    const bool raw = random_.one_in(4);
    bool any = false;
    BitWriter flags, counts, data, signs;
    for (int b = packet.first; b < packet.last; ++b) {
      if (packet.line >= g_.present_lines(b, row)) continue;
      any = true;
      const int groups = (g_.column_coefficients(b, column) + kGroupSize - 1) / kGroupSize;
      std::vector<int>& above = above_[static_cast<std::size_t>(column * g_.bands + b)];
      const int t_above = packet.line > 0 ? t[b] : truncation_above_[static_cast<std::size_t>(column * g_.bands + b)];
      std::vector<int> m(static_cast<std::size_t>(groups));
      bool significant = true;
      for (int i = 0; i < groups; ++i) {
        int& count = m[static_cast<std::size_t>(i)];
        count = random_count(t[b], busy);
        if (raw) {
          counts.put(static_cast<uint64_t>(count), 4);
          continue;
        }
        const int prediction = (mode[b] & 1) != 0 ? std::max({above[static_cast<std::size_t>(i)], t[b], t_above}) : t[b];
        if ((mode[b] & 2) != 0 && i % kSignificanceGroupSize == 0) {
          significant = random_.one_in(2);
          flags.put(significant ? 0 : 1, 1);
        }
        count = std::max(count, t[b]);
        if (!significant) {
          count = p_.run_mode == 0 ? prediction : t[b];
          continue;
        }
        const int theta = prediction - t[b], delta = count - prediction;
        const int x = delta < 0 ? -2 * delta - 1 : (delta <= theta ? 2 * delta : delta + theta);
        for (int k = 0; k < x; ++k) counts.put(1, 1);
        counts.put(0, 1);
      }
      for (const int count : m) {
        const int planes = count - t[b];
        if (planes <= 0) continue;
        if (!p_.separate_signs) data.put(static_cast<uint64_t>(random_.below(16)), 4);
        int present = 0;
        for (int k = 0; k < planes; ++k) {
          const int nibble = random_.below(16) & random_.below(16);
          present |= nibble;
          data.put(static_cast<uint64_t>(nibble), 4);
        }
        if (!p_.separate_signs) continue;
        for (int c = 0; c < kGroupSize; ++c) {
          if (((present >> c) & 1) != 0) signs.put(static_cast<uint64_t>(random_.below(2)), 1);
        }
      }
      above = m;
    }
    if (!any) return;
    if (random_.one_in(8)) data.bytes.resize(data.bytes.size() + 3, 0xFF);
    if (random_.one_in(8)) counts.bytes.resize(counts.bytes.size() + 3, 0xFF);
    const bool long_header = p_.long_packet_headers();
    BitWriter header;
    header.put(raw ? 1 : 0, 1);
    header.put(data.bytes.size(), long_header ? 20 : 15);
    header.put(counts.bytes.size(), long_header ? 20 : 13);
    header.put(signs.bytes.size(), long_header ? 15 : 11);
    for (const BitWriter* part : {&header, &flags, &counts, &data, &signs}) out_.insert(out_.end(), part->bytes.begin(), part->bytes.end());
  }

  Random& random_;
  Parameters p_;
  Geometry g_;
  std::vector<uint8_t> out_;
  std::size_t length_at_ = 0;
  std::vector<std::size_t> precincts_;
  std::vector<std::vector<int>> above_;
  std::vector<int> truncation_above_;
};

}  // namespace plcv::jpegxs::testing
