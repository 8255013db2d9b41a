// SPDX-License-Identifier: Apache-2.0
// Where the JPEG XS encoder's time goes: core cycles a sample for every kernel and for the rest, on one frame.
//   jpegxs_encode_stages FRAME WIDTH HEIGHT [BPP [TARGET [PRESET]]]
// FRAME: a file of WIDTH x HEIGHT rgb8 pixels. TARGET: an instruction set, the best one by default. PRESET: high (default) or pruned.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "jpegxs/encode/encode.h"
#include "simd/targets.h"
#include "stage_timer.h"

namespace {

using namespace plcv;
using namespace plcv::jpegxs::encoding;
using plcv::test::Timed;

enum { kLoad, kLift, kPredict, kUpdate, kSplit, kCountPlanes, kLineSums, kPredictedSums, kNonzero, kFlags, kCounts, kRawCounts, kData };
const std::vector<plcv::test::Stage> kStages = {
    {"load, colour transform"}, {"vertical lifting"},    {"horizontal predict"},     {"horizontal update"}, {"split of low-pass lines"},
    {"bit-plane counts"},       {"costs: sums"},         {"costs: predicted sums"},  {"costs: signs"},      {"packing: flags"},
    {"packing: counts"},        {"packing: raw counts"}, {"packing: data and signs"}};

// A kernel table whose functions time those of another one.
constexpr Kernels kTimedKernels = {&Timed<kLoad, &Kernels::load>::run,
                                   &Timed<kPredict, &Kernels::predict>::run,
                                   &Timed<kUpdate, &Kernels::update>::run,
                                   &Timed<kLift, &Kernels::lift>::run,
                                   &Timed<kSplit, &Kernels::split>::run,
                                   &Timed<kCountPlanes, &Kernels::count_planes>::run,
                                   &Timed<kLineSums, &Kernels::line_sums>::run,
                                   &Timed<kPredictedSums, &Kernels::predicted_sums>::run,
                                   &Timed<kNonzero, &Kernels::count_nonzero>::run,
                                   &Timed<kFlags, &Kernels::pack_flags>::run,
                                   &Timed<kCounts, &Kernels::pack_counts>::run,
                                   &Timed<kRawCounts, &Kernels::pack_raw_counts>::run,
                                   &Timed<kData, &Kernels::pack_data>::run};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: jpegxs_encode_stages FRAME WIDTH HEIGHT [BPP [TARGET [PRESET]]]\n");
    return 2;
  }
  const int width = std::atoi(argv[2]), height = std::atoi(argv[3]);
  const double bpp = argc > 4 ? std::atof(argv[4]) : 3;
  simd::Target target = simd::available().front();
  if (argc > 5 && !simd::find(argv[5], &target)) {
    std::fprintf(stderr, "target is %s, which this machine cannot run\n", argv[5]);
    return 2;
  }
  Options options;
  if (argc > 6 && std::string(argv[6]) == "pruned") options.vertical_prediction = options.raw_counts = options.separate_signs = false;
  std::ifstream file(argv[1], std::ios::binary);
  const std::vector<char> bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (bytes.size() != static_cast<std::size_t>(width) * height * 3) {
    std::fprintf(stderr, "%s has %zu bytes, expected %d\n", argv[1], bytes.size(), width * height * 3);
    return 2;
  }
  Plan plan;
  const std::string error = make_plan(width, height, PixelFormat::rgb8, options, static_cast<int64_t>(width * height * bpp / 8), &plan);
  if (!error.empty()) {
    std::fprintf(stderr, "%s\n", error.c_str());
    return 2;
  }
  const ImageView view{reinterpret_cast<const uint8_t*>(bytes.data()), std::ptrdiff_t{3} * width, width, height, PixelFormat::rgb8};
  std::vector<uint8_t> stream(plan.parameters.length);
  plcv::test::timed<Kernels> = &kernels_for(target);
  plcv::test::stages = kStages;
  char title[200];
  std::snprintf(title, sizeof title, "%s, %dx%d, %.2f bpp, %s", simd::name(target), width, height, bpp, argc > 6 ? argv[6] : "high");
  plcv::test::report_stages(
      title, 3.0 * width * height, [&] { encode(kernels_for(target), plan, view, 1, stream.data()); },
      [&] { encode(kTimedKernels, plan, view, 1, stream.data()); });
  return 0;
}
