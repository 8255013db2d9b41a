// SPDX-License-Identifier: Apache-2.0
// Where the JPEG XS decoder's time goes: core cycles a sample for every kernel and for the rest (stage_timer.h), on one codestream, decoded
// to rgb8.
//   jpegxs_decode_stages FILE [TARGET]
// TARGET: an instruction set, the best one by default.
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "jpegxs/decode/decode.h"
#include "simd/targets.h"
#include "stage_timer.h"

namespace {

using namespace plcv;
using namespace plcv::jpegxs::decoding;
using plcv::test::Timed;

enum { kUnary, kRawCounts, kCounts, kNibbles, kCoefficients, kHorizontal, kHorizontal16, kVertical, kColour, kScale, kInterleave, kPixels, kYcbcr };
const std::vector<plcv::test::Stage> kStages = {{"unary code words"},
                                                {"raw counts"},
                                                {"bit-plane counts"},
                                                {"data: length"},
                                                {"data: coefficients"},
                                                {"horizontal synthesis"},
                                                {"horizontal synthesis of coefficients"},
                                                {"vertical synthesis"},
                                                {"inverse colour transform"},
                                                {"scaling"},
                                                {"interleaving"},
                                                {"colour transform to rgb8"},
                                                {"YCbCr to rgb8"}};

// A kernel table whose functions time those of another one.
constexpr Kernels kTimedKernels = {&Timed<kUnary, &Kernels::unary>::run,
                                   &Timed<kRawCounts, &Kernels::raw_counts>::run,
                                   &Timed<kCounts, &Kernels::counts>::run,
                                   &Timed<kNibbles, &Kernels::data_nibbles>::run,
                                   &Timed<kCoefficients, &Kernels::coefficients>::run,
                                   &Timed<kHorizontal, &Kernels::horizontal>::run,
                                   &Timed<kHorizontal16, &Kernels::horizontal16>::run,
                                   &Timed<kVertical, &Kernels::vertical_even>::run,
                                   &Timed<kVertical, &Kernels::vertical_odd>::run,
                                   &Timed<kVertical, &Kernels::vertical>::run,
                                   &Timed<kColour, &Kernels::inverse_rct>::run,
                                   &Timed<kScale, &Kernels::scale8>::run,
                                   &Timed<kScale, &Kernels::scale16>::run,
                                   &Timed<kInterleave, &Kernels::interleave>::run,
                                   &Timed<kPixels, &Kernels::rct_to_rgb8>::run,
                                   &Timed<kYcbcr, &Kernels::ycbcr_to_rgb8>::run};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: jpegxs_decode_stages FILE [TARGET]\n");
    return 2;
  }
  simd::Target target = simd::available().front();
  if (argc > 2 && !simd::find(argv[2], &target)) {
    std::fprintf(stderr, "target is %s, which this machine cannot run\n", argv[2]);
    return 2;
  }
  std::ifstream file(argv[1], std::ios::binary);
  const std::vector<char> bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  Codestream codestream;
  const std::string error = open_codestream(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), 1 << 28, &codestream);
  if (!error.empty()) {
    std::fprintf(stderr, "%s: %s\n", argv[1], error.c_str());
    return 2;
  }
  const jpegxs::Parameters& p = codestream.parameters;
  std::vector<uint8_t> pixels(static_cast<std::size_t>(3) * p.width * p.height);
  Destination destination{};
  destination.pixels = true;
  destination.colour = p.components == 1 ? Colour::grey : (p.component[1].sx > 1 ? Colour::ycbcr : Colour::rgb);
  destination.start[0] = pixels.data();
  destination.stride[0] = 3 * p.width;
  plcv::test::timed<Kernels> = &kernels_for(target);
  plcv::test::stages = kStages;
  const double samples = static_cast<double>(p.components) * p.width * p.height;
  const std::string title = std::string(simd::name(target)) + ", " + std::to_string(p.width) + "x" + std::to_string(p.height) + ", " +
                            std::to_string(codestream.size) + " bytes";
  plcv::test::report_stages(
      title, samples, [&] { decode(kernels_for(target), codestream, destination, 1); }, [&] { decode(kTimedKernels, codestream, destination, 1); });
  return 0;
}
