// SPDX-License-Identifier: Apache-2.0
#include "jpeg/repair.h"

#include <algorithm>

#include "jpeg/huffman.h"
#include "jpeg/standard_tables.h"

namespace plcv::jpeg {
namespace {

constexpr uint8_t kSof0 = 0xc0, kSof1 = 0xc1, kDht = 0xc4, kJpg = 0xc8, kDac = 0xcc, kRst0 = 0xd0, kSoi = 0xd8, kEoi = 0xd9, kSos = 0xda, kDri = 0xdd;

bool is_restart(uint8_t code) { return code >= kRst0 && code < kRst0 + 8; }
bool is_frame(uint8_t code) { return code >= 0xc0 && code <= 0xcf && code != kDht && code != kJpg && code != kDac; }
int64_t divided(int64_t value, int64_t by) { return (value + by - 1) / by; }

struct Component {
  uint8_t id = 0;
  int h = 1;
  int v = 1;
  bool sent = false;
};

class Repair {
 public:
  Repair(const uint8_t* data, std::size_t size, std::vector<uint8_t>* repaired) : data_(data), size_(size), repaired_(repaired) {
    dc_[0].define(kDcLuma, sizeof kDcLuma);
    dc_[1].define(kDcChroma, sizeof kDcChroma);
    ac_[0].define(kAcLuma, sizeof kAcLuma);
    ac_[1].define(kAcChroma, sizeof kAcChroma);
  }

  std::string run() {
    repaired_->clear();
    repaired_->reserve(size_ + 2);
    keep(0, 2);
    for (;;) {
      if (!find_marker()) return "it ends before its last scan";
      const uint8_t code = data_[at_ + 1];
      if (code == kEoi || code == kSoi) return "scans are missing";
      const std::size_t length = size_ - at_ < 4 ? 0 : static_cast<std::size_t>(data_[at_ + 2] << 8 | data_[at_ + 3]);
      if (length < 2 || length > size_ - at_ - 2) return "a segment is cut short";
      const uint8_t* body = data_ + at_ + 4;
      keep(at_, at_ + 2 + length);
      at_ += 2 + length;
      const std::string error = segment(code, body, length - 2);
      if (!error.empty()) return error;
      if (code != kSos) continue;
      if (std::all_of(components_.begin(), components_.end(), [](const Component& c) { return c.sent; })) break;
    }
    repaired_->push_back(0xff);
    repaired_->push_back(kEoi);
    return "";
  }

 private:
  void keep(std::size_t from, std::size_t to) { repaired_->insert(repaired_->end(), data_ + from, data_ + to); }

  // Moves to the next marker that begins a segment, over bytes between segments; false where none comes.
  bool find_marker() {
    for (; at_ + 1 < size_; ++at_) {
      const uint8_t code = data_[at_ + 1];
      if (data_[at_] == 0xff && code >= 0xc0 && code != 0xff && !is_restart(code)) return true;
    }
    return false;
  }

  std::string segment(uint8_t code, const uint8_t* body, std::size_t size) {
    if (is_frame(code)) return frame(code, body, size);
    if (code == kDht) return tables(body, size);
    if (code == kDri && size >= 2) interval_ = body[0] << 8 | body[1];
    return code == kSos ? scan(body, size) : "";
  }

  std::string frame(uint8_t code, const uint8_t* body, std::size_t size) {
    if (code != kSof0 && code != kSof1) return "its data are damaged";  // what warned; progressive and arithmetic coding are not followed
    if (!components_.empty() || size < 6 || body[5] == 0 || body[5] > 4 || size < 6 + 3u * body[5]) return "its frame header is damaged";
    height_ = body[1] << 8 | body[2];
    width_ = body[3] << 8 | body[4];
    for (int i = 0; i < body[5]; ++i) {
      const uint8_t* part = body + 6 + 3 * i;
      const Component component{part[0], part[1] >> 4, part[1] & 15, false};
      if (component.h < 1 || component.h > 4 || component.v < 1 || component.v > 4) return "its frame header is damaged";
      h_ = std::max(h_, component.h);
      v_ = std::max(v_, component.v);
      components_.push_back(component);
    }
    return "";
  }

  std::string tables(const uint8_t* body, std::size_t size) {
    while (size > 0) {
      if ((body[0] & 15) > 3 || body[0] >> 4 > 1) return "a Huffman table is damaged";
      HuffmanTable& table = (body[0] >> 4 ? ac_ : dc_)[body[0] & 15];
      const std::size_t taken = table.define(body + 1, size - 1);
      if (taken == 0) return "a Huffman table is damaged";
      body += 1 + taken;
      size -= 1 + taken;
    }
    return "";
  }

  struct Part {
    Component* component;
    const HuffmanTable* dc;
    const HuffmanTable* ac;
    int blocks;  // in an MCU
  };

  std::string scan(const uint8_t* body, std::size_t size) {
    if (size < 1 || body[0] < 1 || body[0] > 4 || size < 4 + 2u * body[0]) return "a scan header is damaged";
    std::vector<Part> parts;
    for (int i = 0; i < body[0]; ++i) {
      const uint8_t id = body[1 + 2 * i];
      const int dc = body[2 + 2 * i] >> 4, ac = body[2 + 2 * i] & 15;
      const auto found = std::find_if(components_.begin(), components_.end(), [id](const Component& c) { return c.id == id && !c.sent; });
      if (found == components_.end() || dc > 3 || ac > 3 || !dc_[dc].defined() || !ac_[ac].defined()) return "a scan header is damaged";
      found->sent = true;
      parts.push_back({&*found, &dc_[dc], &ac_[ac], found->h * found->v});
    }
    int64_t units = divided(width_, 8 * h_) * divided(height_, 8 * v_);
    if (parts.size() == 1) {  // not interleaved: blocks of the component alone, none of padding
      const Component& c = *parts[0].component;
      units = divided(divided(int64_t{width_} * c.h, h_), 8) * divided(divided(int64_t{height_} * c.v, v_), 8);
      parts[0].blocks = 1;
    }
    return intervals(parts, units);
  }

  std::string intervals(const std::vector<Part>& parts, int64_t units) {
    for (int restart = 0; units > 0; ++restart) {
      const int64_t count = interval_ > 0 ? std::min<int64_t>(units, interval_) : units;
      BitReader bits(data_, size_, at_);
      for (int64_t unit = 0; unit < count; ++unit) {
        for (const Part& part : parts) {
          for (int block = 0; block < part.blocks; ++block) {
            if (!skip_block(*part.dc, *part.ac, bits)) return "its data end or are damaged before its last block";
          }
        }
      }
      keep(at_, bits.end());
      at_ = bits.end();
      units -= count;
      if (units == 0) break;
      const uint8_t expected = static_cast<uint8_t>(kRst0 + restart % 8);
      while (at_ + 1 < size_ && !(data_[at_] == 0xff && data_[at_ + 1] >= kRst0 && data_[at_ + 1] <= kEoi)) ++at_;
      if (at_ + 1 >= size_ || data_[at_ + 1] != expected) return "a restart marker is missing";
      keep(at_, at_ + 2);
      at_ += 2;
    }
    return "";
  }

  static bool skip_block(const HuffmanTable& dc, const HuffmanTable& ac, BitReader& bits) {
    const int size = dc.next(bits);
    if (size < 0 || size > 16 || !bits.skip(size)) return false;
    for (int k = 1; k < 64;) {
      const int code = ac.next(bits);
      if (code < 0) return false;
      if (code == 0) break;
      if (code != 0xf0 && (code & 15) == 0) break;  // runs of blocks are progressive; decoders take them for an end of block
      k += (code >> 4) + 1;
      if (k > 64 || !bits.skip(code & 15)) return false;
    }
    return true;
  }

  const uint8_t* data_;
  std::size_t size_;
  std::vector<uint8_t>* repaired_;
  std::size_t at_ = 2;
  int width_ = 0;
  int height_ = 0;
  int h_ = 1;
  int v_ = 1;
  int interval_ = 0;
  std::vector<Component> components_;
  HuffmanTable dc_[4];
  HuffmanTable ac_[4];
};

}  // namespace

std::string repair(const uint8_t* data, std::size_t size, std::vector<uint8_t>* repaired) {
  if (size < 2 || data[0] != 0xff || data[1] != kSoi) return "it does not start as a JPEG file";
  return Repair(data, size, repaired).run();
}

}  // namespace plcv::jpeg
