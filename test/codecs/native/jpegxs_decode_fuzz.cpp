// SPDX-License-Identifier: Apache-2.0
// Fuzzes the JPEG XS header parser and decoder, on every target in turn: jpegxs_decode_fuzz <inputs> [seed]. Inputs are random valid
// codestreams, damaged where it matters: header fields, lengths, precinct and packet headers, code words. Build it with the address and
// undefined-behaviour sanitizers; payloads and pictures are heap blocks of exactly their size, so that one byte too far stops the run.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "jpegxs/decode/decode.h"
#include "jpegxs_random_stream.h"
#include "simd/targets.h"

namespace {

using namespace plcv;
using namespace plcv::jpegxs;
using testing::Random;

constexpr int64_t kMaxPixels = 1 << 13;
constexpr int kSeeds = 256;

struct Seed {
  std::vector<uint8_t> bytes;
  std::vector<std::size_t> precincts;
  std::size_t header_bytes;
  int precinct_header_bytes;
};

Seed make_seed(Random& random) {
  const testing::RandomStream stream(random, random.one_in(8) ? 100 : 34);
  return {stream.bytes(), stream.precincts(), stream.precincts().front() - 6, stream.geometry().precinct_header_bytes()};
}

uint8_t any_byte(Random& random) {
  switch (random.below(4)) {
    case 0:
      return 0;
    case 1:
      return 0xFF;
    default:
      return static_cast<uint8_t>(random.next());
  }
}

void damage(const Seed& seed, std::vector<uint8_t>& bytes, Random& random) {
  const auto at = [&](std::size_t i) -> uint8_t& { return bytes[std::min(i, bytes.size() - 1)]; };
  const std::size_t precinct = seed.precincts[static_cast<std::size_t>(random.below(static_cast<int>(seed.precincts.size())))];
  const std::size_t packet = precinct + static_cast<std::size_t>(seed.precinct_header_bytes);
  switch (random.below(10)) {
    case 0:  // a header field of one byte
      at(static_cast<std::size_t>(random.below(static_cast<int>(seed.header_bytes)))) = any_byte(random);
      break;
    case 1:  // picture size, precinct width, slice height
      at(20 + static_cast<std::size_t>(random.below(8))) = random.one_in(3) ? any_byte(random) : static_cast<uint8_t>(random.below(40));
      break;
    case 2:  // coding tools and precision
      at(28 + static_cast<std::size_t>(random.below(8))) = static_cast<uint8_t>(random.next());
      break;
    case 3:  // Lprc, Q, R, D
      at(precinct + static_cast<std::size_t>(random.below(seed.precinct_header_bytes))) = any_byte(random);
      break;
    case 4:  // the first packet's lengths
      at(packet + static_cast<std::size_t>(random.below(7))) = any_byte(random);
      break;
    case 5:  // bits of a precinct's packets
      for (int i = 0; i < 1 + random.below(4); ++i)
        at(packet + static_cast<std::size_t>(random.below(200))) ^= static_cast<uint8_t>(1 << random.below(8));
      break;
    case 6:  // a run of ones or zeros
    {
      const std::size_t from = packet + static_cast<std::size_t>(random.below(100));
      const uint8_t value = random.one_in(2) ? 0xFF : 0;
      for (std::size_t i = from; i < from + static_cast<std::size_t>(random.below(24)); ++i) at(i) = value;
      break;
    }
    case 7:  // anywhere
      at(static_cast<std::size_t>(random.below(static_cast<int>(bytes.size())))) = any_byte(random);
      break;
    case 8:  // cut off, or longer
      bytes.resize(1 + static_cast<std::size_t>(random.below(static_cast<int>(bytes.size()) + 8)), any_byte(random));
      break;
    default:  // a piece moved
    {
      const std::size_t from = static_cast<std::size_t>(random.below(static_cast<int>(bytes.size())));
      const std::size_t to = static_cast<std::size_t>(random.below(static_cast<int>(bytes.size())));
      const std::size_t count = std::min(static_cast<std::size_t>(random.below(40)), bytes.size() - std::max(from, to));
      std::memmove(bytes.data() + to, bytes.data() + from, count);
    }
  }
}

struct Block {
  explicit Block(std::size_t size) : data(new uint8_t[size]) {}
  std::unique_ptr<uint8_t[]> data;
};

}  // namespace

int main(int argc, char** argv) {
  const long long inputs = argc > 1 ? std::atoll(argv[1]) : 200000;
  Random random{argc > 2 ? std::strtoull(argv[2], nullptr, 10) * 2654435761u + 88172645463325252ull : 88172645463325252ull};
  const auto& targets = simd::available();
  long long opened = 0, decoded = 0;
  std::vector<Seed> seeds;
  for (int i = 0; i < kSeeds; ++i) seeds.push_back(make_seed(random));
  for (long long n = 0; n < inputs; ++n) {
    if (n % 1024 == 0) seeds[static_cast<std::size_t>(random.below(kSeeds))] = make_seed(random);
    const Seed& seed = seeds[static_cast<std::size_t>(random.below(kSeeds))];
    std::vector<uint8_t> bytes = seed.bytes;
    for (int i = random.below(4); i >= 0; --i) damage(seed, bytes, random);
    // Lcod tells most damage at once: without it the rest of the decoder has to.
    if (bytes.size() > 16 && !random.one_in(4)) std::memset(bytes.data() + 12, 0, 4);
    const std::size_t size = bytes.size();
    const Block payload(size);
    std::memcpy(payload.data.get(), bytes.data(), size);

    decoding::Codestream codestream;
    if (!decoding::open_codestream(payload.data.get(), size, kMaxPixels, &codestream).empty()) continue;
    ++opened;
    const Parameters& p = codestream.parameters;
    const decoding::Kernels& kernels = decoding::kernels_for(targets[static_cast<std::size_t>(n) % targets.size()]);
    decoding::Destination destination{};
    std::vector<Block> blocks;
    const int colour = static_cast<int>(n / 2 % decoding::kColours);
    const bool grey = colour <= static_cast<int>(decoding::Colour::grey_limited), subsampled = p.components > 1 && p.component[1].sx > 1;
    destination.colour = static_cast<decoding::Colour>(colour);
    destination.pixels = n % 2 == 0 && grey == (p.components == 1) && !(subsampled && destination.colour == decoding::Colour::rgb);
    for (int c = 0; c < (destination.pixels ? 1 : p.components); ++c) {
      const int bytes_of_sample = destination.pixels ? 3 : (p.component[c].depth > 8 ? 2 : 1);
      destination.stride[c] = codestream.geometry.component_width[c] * bytes_of_sample;
      blocks.emplace_back(static_cast<std::size_t>(destination.stride[c] * codestream.geometry.component_height[c]));
      destination.start[c] = blocks.back().data.get();
    }
    decoded += decoding::decode(kernels, codestream, destination, n % 101 == 0 ? 3 : 1).empty();
  }
  std::printf("%lld inputs, %lld headers accepted, %lld decoded\n", inputs, opened, decoded);
  return 0;
}
