// SPDX-License-Identifier: Apache-2.0
// Tests the codec's C++ without Python: every target of this machine against the scalar one, and all against golden hashes, so that
// machines of different architectures prove each other's bytes. Prints a line a check; exits with the number of failures.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>

#include "astc/decode.h"
#include "astc/encode.h"
#include "astc/header.h"
#include "pictures.h"
#include "simd/targets.h"

namespace {

using namespace plcv;
using namespace plcv::test;

struct Golden {
  int block_x, block_y, grid_x;
  astc::Preset preset;
  uint64_t payloads, images;
};

constexpr Golden kGolden[] = {
    {8, 8, 8, astc::Preset::fast, 0xa78726be4e9a155bu, 0xc9fe2ee428b62034u},
    {8, 8, 8, astc::Preset::fine, 0x4806c9bcb1b36f1fu, 0xc9fe2ee428b62034u},
    {8, 8, 8, astc::Preset::paper, 0xe9bc43c71e3e3be2u, 0xc9fe2ee428b62034u},
    {12, 12, 8, astc::Preset::fast, 0x2a6c4ae1c8ad5c4eu, 0xad06631153da11dbu},
    {12, 12, 8, astc::Preset::fine, 0xd33658076a0af6deu, 0xad06631153da11dbu},
    {12, 12, 8, astc::Preset::paper, 0xad927a7d1f45d823u, 0xad06631153da11dbu},
    {8, 8, 6, astc::Preset::fast, 0xfb11a7671979faf1u, 0x261918e8302aed36u},
    {8, 8, 6, astc::Preset::fine, 0xf3df863d72360a08u, 0x261918e8302aed36u},
    {12, 12, 6, astc::Preset::fine, 0x9b1cb972b269f918u, 0x2e363afe1396b4c2u},
    {12, 12, 6, astc::Preset::fast, 0xe35e6c40c5514031u, 0x2e363afe1396b4c2u},
};

int check(const Golden& golden, simd::Target target) {
  const astc::Kernels& kernels = astc::kernels_for(target);
  const int mode = astc::block_mode_of_grid(golden.block_x, golden.block_y, golden.grid_x);
  Random random{12345};
  uint64_t payloads = kEmptyHash, images = kEmptyHash;
  int different = 0;
  for (int i = 0; i < 240; ++i) {
    const auto format = static_cast<PixelFormat>(i % 5);
    const int channels = bytes_per_pixel(format), width = 1 + random.below(i % 8 == 0 ? 500 : 60), height = 1 + random.below(40);
    const std::vector<uint8_t> pixels = picture(i % 6, width, height, channels, random);
    const ImageView view{pixels.data(), static_cast<std::ptrdiff_t>(width) * channels, width, height, format};
    const astc::Header header{golden.block_x, golden.block_y, width, height};
    std::vector<uint8_t> payload(static_cast<std::size_t>(header.payload_bytes())), reference = payload;
    astc::encode(kernels, view, mode, golden.preset, 1 + i % 3, payload.data());
    astc::encode(astc::kernels_scalar(), view, mode, golden.preset, 1, reference.data());
    astc::Header read{};
    if (!astc::parse_header(payload.data(), payload.size(), 1 << 20, &read).empty() || read.width != width || read.height != height) ++different;
    std::vector<uint8_t> image(static_cast<std::size_t>(width) * height * 3), expected = image;
    if (astc::decode(kernels, header, payload.data() + astc::kHeaderBytes, image.data(), 3 * width, 1 + i % 2) != astc::kAllDecoded) ++different;
    astc::decode(astc::kernels_scalar(), header, reference.data() + astc::kHeaderBytes, expected.data(), 3 * width, 1);
    different += payload != reference;
    different += image != expected;
    // Blocks of random bits behind the right prefix: endpoints in any order, blue contraction.
    for (std::size_t at = astc::kHeaderBytes; at < payload.size(); ++at) {
      const std::size_t byte = (at - astc::kHeaderBytes) % 16;
      if (byte > 2) payload[at] = static_cast<uint8_t>(random.below(256));
      if (byte == 2) payload[at] = static_cast<uint8_t>((payload[at] & 1) | (random.below(128) << 1));
    }
    astc::decode(kernels, header, payload.data() + astc::kHeaderBytes, image.data(), 3 * width, 1);
    astc::decode(astc::kernels_scalar(), header, payload.data() + astc::kHeaderBytes, expected.data(), 3 * width, 1);
    different += image != expected;
    payloads = hash(payloads, reference);
    images = hash(images, image);
  }
  const bool same = different == 0 && payloads == golden.payloads && images == golden.images;
  std::printf("%-4s %-7s %2dx%-2d grid %d wide, preset %d: %d different, payloads %016llx, images %016llx\n", same ? "ok" : "FAIL",
              simd::name(target), golden.block_x, golden.block_y, golden.grid_x, static_cast<int>(golden.preset), different,
              static_cast<unsigned long long>(payloads), static_cast<unsigned long long>(images));
  return same ? 0 : 1;
}

}  // namespace

int main() {
  int failures = 0;
  for (const simd::Target target : simd::available()) {
    for (const Golden& golden : kGolden) failures += check(golden, target);
  }
  return failures;
}
