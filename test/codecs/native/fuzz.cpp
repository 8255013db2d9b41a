// SPDX-License-Identifier: Apache-2.0
// Fuzzes the header parser, the decoder of pruned blocks and the general one, on every target in turn: fuzz <inputs> [seed]. Build it with the
// address and undefined-behaviour sanitizers; payloads and images are heap blocks of exactly their size, so that one byte too far stops the run.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "astc/decode.h"
#include "astc/encode.h"
#include "astc/header.h"
#include "random.h"
#include "simd/targets.h"

namespace {

using namespace plcv;

constexpr int64_t kMaxPixels = 1 << 14;

using Random = plcv::test::Random64;

std::vector<uint8_t> seed_payload(Random& random) {
  const int mode = random.below(astc::kModeCount), width = 1 + random.below(random.below(8) == 0 ? 250 : 40), height = 1 + random.below(40);
  std::vector<uint8_t> pixels(static_cast<std::size_t>(3 * width * height));
  for (uint8_t& p : pixels) p = static_cast<uint8_t>(random.next());
  const astc::BlockMode& m = astc::kBlockModes[mode];
  std::vector<uint8_t> payload(static_cast<std::size_t>(astc::Header{m.block_x, m.block_y, width, height}.payload_bytes()));
  astc::encode(astc::kernels_for(simd::available().front()), {pixels.data(), 3 * width, width, height, PixelFormat::rgb8}, mode, astc::Preset::fast,
               1, payload.data());
  return payload;
}

void mutate(std::vector<uint8_t>& payload, Random& random) {
  for (int n = random.below(4); n >= 0; --n) {
    switch (random.below(11)) {
      case 0:  // any byte
        if (!payload.empty()) payload[static_cast<std::size_t>(random.below(static_cast<int>(payload.size())))] = static_cast<uint8_t>(random.next());
        break;
      case 1:  // a header byte
        if (!payload.empty())
          payload[static_cast<std::size_t>(random.below(payload.size() < 16 ? static_cast<int>(payload.size()) : 16))] =
              static_cast<uint8_t>(random.next());
        break;
      case 2:  // shorter
        payload.resize(static_cast<std::size_t>(random.below(static_cast<int>(payload.size()) + 1)));
        break;
      case 3:  // longer
        payload.resize(payload.size() + static_cast<std::size_t>(random.below(64)), static_cast<uint8_t>(random.next()));
        break;
      case 4:  // endpoints and weights at random, modes kept
        for (std::size_t i = 16; i < payload.size(); ++i) {
          if (i % 16 > 2) payload[i] = static_cast<uint8_t>(random.next());
        }
        break;
      case 5:  // a size nearby
        if (payload.size() > 12) payload[random.below(2) ? 7 : 10] = static_cast<uint8_t>(payload[random.below(2) ? 7 : 10] + random.below(5) - 2);
        break;
      case 6:  // another footprint
        if (payload.size() > 6) payload[4] = payload[5] = static_cast<uint8_t>(random.below(3) == 0 ? random.below(16) : (random.below(2) ? 8 : 12));
        break;
      case 7:  // a void-extent or reserved block
        if (payload.size() >= 32) {
          const std::size_t block = 16 + 16 * static_cast<std::size_t>(random.below(static_cast<int>(payload.size() / 16) - 1));
          payload[block] = static_cast<uint8_t>(random.below(2) ? 0xFC : 0);
          payload[block + 1] = static_cast<uint8_t>(random.next());
        }
        break;
      case 8:  // a bit of a block's mode
        if (payload.size() >= 32) {
          const int bit = random.below(17);
          payload[16 * static_cast<std::size_t>(1 + random.below(static_cast<int>(payload.size() / 16) - 1)) + static_cast<std::size_t>(bit / 8)] ^=
              static_cast<uint8_t>(1 << (bit % 8));
        }
        break;
      case 9:  // every block at random
        for (std::size_t i = 16; i < payload.size(); ++i) payload[i] = static_cast<uint8_t>(random.next());
        break;
      default:  // a header that promises much
        for (std::size_t i = 7; i < 13 && i < payload.size(); ++i) payload[i] = static_cast<uint8_t>(random.below(3) == 0 ? 255 : random.below(64));
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const long long inputs = argc > 1 ? std::atoll(argv[1]) : 200000;
  Random random{argc > 2 ? std::strtoull(argv[2], nullptr, 10) * 2654435761u + 88172645463325252ull : 88172645463325252ull};
  const auto& targets = simd::available();
  long long parsed = 0, decoded = 0, general = 0;
  std::vector<std::vector<uint8_t>> seeds;
  for (int i = 0; i < 64; ++i) seeds.push_back(seed_payload(random));
  for (long long n = 0; n < inputs; ++n) {
    if (n % 4096 == 0) seeds[static_cast<std::size_t>(random.below(64))] = seed_payload(random);
    std::vector<uint8_t> mutated = seeds[static_cast<std::size_t>(random.below(64))];
    mutate(mutated, random);
    const std::unique_ptr<uint8_t[]> payload(new uint8_t[mutated.size()]);
    std::memcpy(payload.get(), mutated.data(), mutated.size());
    astc::Header header{};
    if (!astc::parse_header(payload.get(), mutated.size(), kMaxPixels, &header).empty()) continue;
    ++parsed;
    const std::size_t size = static_cast<std::size_t>(3 * header.width * header.height);
    const std::unique_ptr<uint8_t[]> image(new uint8_t[size]);
    const astc::Kernels& kernels = astc::kernels_for(targets[static_cast<std::size_t>(n) % targets.size()]);
    const int64_t result = astc::decode(kernels, header, payload.get() + astc::kHeaderBytes, image.get(), 3 * header.width, n % 997 == 0 ? 2 : 1);
    if (result < astc::kAllDecoded || result >= header.blocks_x() * header.blocks_y()) {
      std::fprintf(stderr, "decode answered %lld\n", static_cast<long long>(result));
      return 1;
    }
    decoded += result == astc::kAllDecoded;
    const astc::Survey survey = astc::survey(header, payload.get() + astc::kHeaderBytes);
    if (survey.first_other != result && survey.first_refused < 0) {
      std::fprintf(stderr, "decode answered %lld, survey %lld\n", static_cast<long long>(result), static_cast<long long>(survey.first_other));
      return 1;
    }
    if (survey.first_refused >= 0) continue;
    general += astc::decode_general(kernels, header, survey, payload.get() + astc::kHeaderBytes, image.get(), 3 * header.width, 1 + (n % 991 == 0));
  }
  std::printf("%lld inputs, %lld headers accepted, %lld decoded, %lld blocks by the general decoder\n", inputs, parsed, decoded, general);
  return 0;
}
