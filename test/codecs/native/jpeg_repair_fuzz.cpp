// SPDX-License-Identifier: Apache-2.0
// Fuzzes the search for the blocks of a damaged JPEG file: jpeg_repair_fuzz <inputs> [seed]. Build it with the address and undefined-behaviour
// sanitizers; files are heap blocks of exactly their size, so that one byte too far stops the run.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "jpeg/repair.h"
#include "jpeg/standard_tables.h"
#include "random.h"

namespace {

using Random = plcv::test::Random64;

using Bytes = std::vector<uint8_t>;

void segment(Bytes& file, uint8_t code, const Bytes& body) {
  file.insert(file.end(), {0xff, code, static_cast<uint8_t>((body.size() + 2) >> 8), static_cast<uint8_t>(body.size() + 2)});
  file.insert(file.end(), body.begin(), body.end());
}

Bytes table(uint8_t place, const uint8_t* codes, std::size_t size) {
  Bytes body{place};
  body.insert(body.end(), codes, codes + size);
  return body;
}

// Blocks of zeros: the luma tables' codes 00 (no DC difference) and 1010 (end of block), six bits each.
void zero_blocks(Bytes& file, int blocks) {
  uint32_t bits = 0;
  int count = 0;
  for (int i = 0; i < blocks; ++i) {
    bits = bits << 6 | 0b001010;
    for (count += 6; count >= 8; count -= 8) file.push_back(static_cast<uint8_t>(bits >> (count - 8)));
  }
  if (count > 0) file.push_back(static_cast<uint8_t>(bits << (8 - count) | ((1 << (8 - count)) - 1)));
}

// A whole file of zero blocks; `interval` MCUs between restart markers, 0: none.
Bytes seed_file(Random& random) {
  const int parts = 1 + 2 * random.below(2), sampling = 1 + random.below(2), side = 8 * (1 + random.below(12));
  const int mcu_side = parts == 1 ? 8 : 8 * sampling, units = (side + mcu_side - 1) / mcu_side;
  const int mcus = units * units, blocks = parts == 1 ? 1 : sampling * sampling + 2, interval = random.below(3) == 0 ? 1 + random.below(9) : 0;
  Bytes file{0xff, 0xd8};
  if (random.below(2)) {
    segment(file, 0xc4, table(0x00, plcv::jpeg::kDcLuma, sizeof plcv::jpeg::kDcLuma));
    segment(file, 0xc4, table(0x10, plcv::jpeg::kAcLuma, sizeof plcv::jpeg::kAcLuma));
  }
  Bytes frame{8, 0, static_cast<uint8_t>(side), 0, static_cast<uint8_t>(side), static_cast<uint8_t>(parts)};
  Bytes scan{static_cast<uint8_t>(parts)};
  for (int i = 0; i < parts; ++i) {
    frame.insert(frame.end(), {static_cast<uint8_t>(i), static_cast<uint8_t>(i == 0 && parts > 1 ? 17 * sampling : 17), 0});
    scan.insert(scan.end(), {static_cast<uint8_t>(i), 0});
  }
  segment(file, 0xc0, frame);
  if (interval) segment(file, 0xdd, {0, static_cast<uint8_t>(interval)});
  scan.insert(scan.end(), {0, 63, 0});
  segment(file, 0xda, scan);
  for (int first = 0, restart = 0; first < mcus; ++restart) {
    const int count = interval && interval < mcus - first ? interval : mcus - first;
    zero_blocks(file, count * blocks);
    first += count;
    if (first < mcus) file.insert(file.end(), {0xff, static_cast<uint8_t>(0xd0 + restart % 8)});
  }
  file.insert(file.end(), {0xff, 0xd9});
  return file;
}

void mutate(Bytes& file, Random& random) {
  for (int n = random.below(4); n > 0; --n) {
    const std::size_t at = file.empty() ? 0 : static_cast<std::size_t>(random.below(static_cast<int>(file.size())));
    switch (random.below(5)) {
      case 0:
        if (!file.empty()) file[at] = random.byte();
        break;
      case 1:
        if (!file.empty()) file[at] ^= static_cast<uint8_t>(1 << random.below(8));
        break;
      case 2:
        file.resize(at);
        break;
      case 3:
        for (int i = random.below(20); i > 0; --i) file.insert(file.begin() + static_cast<std::ptrdiff_t>(at), random.byte());
        break;
      default:  // a marker
        file.insert(file.begin() + static_cast<std::ptrdiff_t>(at), {0xff, static_cast<uint8_t>(0xc0 + random.below(0x3f))});
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const long long inputs = argc > 1 ? std::atoll(argv[1]) : 200000;
  Random random{argc > 2 ? std::strtoull(argv[2], nullptr, 10) * 2654435761u + 88172645463325252ull : 88172645463325252ull};
  long long whole = 0;
  Bytes repaired, again;
  for (long long n = 0; n < inputs; ++n) {
    Bytes file = seed_file(random);
    const bool untouched = random.below(8) == 0;
    if (!untouched) mutate(file, random);
    const std::unique_ptr<uint8_t[]> bytes(new uint8_t[file.size()]);
    if (!file.empty()) std::memcpy(bytes.get(), file.data(), file.size());
    const std::string error = plcv::jpeg::repair(bytes.get(), file.size(), &repaired);
    if (untouched && (!error.empty() || repaired != file)) {
      std::printf("FAIL: a whole file of %zu bytes: %s\n", file.size(), error.empty() ? "it was changed" : error.c_str());
      return 1;
    }
    if (!error.empty()) continue;
    ++whole;
    // What was repaired needs no repair.
    if (!plcv::jpeg::repair(repaired.data(), repaired.size(), &again).empty() || again != repaired || repaired.size() > file.size() + 2) {
      std::printf("FAIL: input %lld: the repaired file is not whole\n", n);
      return 1;
    }
  }
  std::printf("%lld inputs, %lld whole\n", inputs, whole);
  return 0;
}
