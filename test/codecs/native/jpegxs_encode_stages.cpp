// SPDX-License-Identifier: Apache-2.0
// Where the JPEG XS encoder's time goes: core cycles a sample for every kernel and for the rest, on one frame.
//   jpegxs_encode_stages FRAME WIDTH HEIGHT [BPP [TARGET [PRESET]]]
// FRAME: a file of WIDTH x HEIGHT rgb8 pixels. TARGET: an instruction set, the best one by default. PRESET: high (default) or pruned.
// Every call of a kernel is timed with the time-stamp counter; what reading it costs is taken off. Core cycles come from the speed of a
// chain of dependent additions. x86-64 only.
#include <time.h>
#include <x86intrin.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "jpegxs/encode/encode.h"
#include "simd/targets.h"

namespace {

using namespace plcv;
using namespace plcv::jpegxs::encoding;

struct Stage {
  const char* name;
  uint64_t ticks = 0, calls = 0;
};

enum { kLoad, kLift, kPredict, kUpdate, kSplit, kCountPlanes, kLineSums, kPredictedSums, kNonzero, kFlags, kCounts, kRawCounts, kData, kStages };
Stage stages[kStages] = {
    {"load, colour transform"}, {"vertical lifting"},    {"horizontal predict"},     {"horizontal update"}, {"split of low-pass lines"},
    {"bit-plane counts"},       {"costs: sums"},         {"costs: predicted sums"},  {"costs: signs"},      {"packing: flags"},
    {"packing: counts"},        {"packing: raw counts"}, {"packing: data and signs"}};
const Kernels* timed;

uint64_t now() {
  unsigned unused;
  return __rdtscp(&unused);
}

struct Timer {
  explicit Timer(int stage) : stage(stage), start(now()) {}
  ~Timer() {
    stages[stage].ticks += now() - start;
    ++stages[stage].calls;
  }
  int stage;
  uint64_t start;
};

// A kernel table whose functions time those of `timed`.
template <int kStage, auto kMember>
struct Timed;
template <int kStage, class R, class... A, R (*Kernels::*kMember)(A...)>
struct Timed<kStage, kMember> {
  static R run(A... arguments) {
    const Timer timer(kStage);
    return (timed->*kMember)(arguments...);
  }
};

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

// Ticks that an empty timer counts.
double empty_timer() {
  uint64_t least = ~uint64_t{0};
  for (int run = 0; run < 1000; ++run) {
    constexpr int kTimers = 100;
    stages[kLoad].ticks = 0;
    for (int i = 0; i < kTimers; ++i) const Timer timer(kLoad);
    least = std::min(least, stages[kLoad].ticks / kTimers);
  }
  return static_cast<double>(least);
}

// Time that this thread has been running for: on a busy machine, the whole is interrupted more often than a stage.
double thread_ms() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return 1e3 * static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_nsec);
}

double core_cycles_per_tick() {
  double best = 0;
  for (int run = 0; run < 20; ++run) {
    constexpr int kAdditions = 1000000;
    uint64_t x = 1;
    const uint64_t start = now();
    for (int i = 0; i < kAdditions / 10; ++i) {
      asm volatile("add $1, %0\n add $1, %0\n add $1, %0\n add $1, %0\n add $1, %0\n add $1, %0\n add $1, %0\n add $1, %0\n add $1, %0\n add $1, %0"
                   : "+r"(x));
    }
    best = std::max(best, kAdditions / static_cast<double>(now() - start));
  }
  return best;
}

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
  timed = &kernels_for(target);

  // The least of many runs: of the whole without timers, then of each stage.
  constexpr int kRuns = 100;
  const double counted = empty_timer();
  double whole_ms = 1e30;
  for (int run = 0; run < kRuns; ++run) {
    const double start = thread_ms();
    encode(*timed, plan, view, 1, stream.data());
    whole_ms = std::min(whole_ms, thread_ms() - start);
  }
  Stage best[kStages];
  for (int run = 0; run < kRuns; ++run) {
    for (Stage& stage : stages) stage.ticks = stage.calls = 0;
    encode(kTimedKernels, plan, view, 1, stream.data());
    for (int i = 0; i < kStages; ++i) {
      if (run == 0 || stages[i].ticks < best[i].ticks) best[i] = stages[i];
    }
  }

  const double scale = core_cycles_per_tick(), samples = 3.0 * width * height;
  const auto start = std::chrono::steady_clock::now();
  const uint64_t first = now();
  while (std::chrono::steady_clock::now() - start < std::chrono::milliseconds(20)) {
  }
  const double ticks_per_ms =
      static_cast<double>(now() - first) / std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  const double plain = whole_ms * ticks_per_ms;
  std::printf("%s, %dx%d, %.2f bpp, %s: %.2f ms, %.2f core cycles a sample, %.2f core GHz\n", simd::name(target), width, height, bpp,
              argc > 6 ? argv[6] : "high", plain / ticks_per_ms, plain * scale / samples, scale * ticks_per_ms * 1e-6);
  std::printf("| stage | calls | ms | cycles a sample | share |\n| --- | --- | --- | --- | --- |\n");
  double rest = plain;
  for (const Stage& stage : best) {
    const double ticks = std::max(static_cast<double>(stage.ticks) - counted * static_cast<double>(stage.calls), 0.0);
    rest -= ticks;
    std::printf("| %s | %llu | %.2f | %.3f | %.0f %% |\n", stage.name, static_cast<unsigned long long>(stage.calls), ticks / ticks_per_ms,
                ticks * scale / samples, 100 * ticks / plain);
  }
  std::printf("| everything else | | %.2f | %.3f | %.0f %% |\n", rest / ticks_per_ms, rest * scale / samples, 100 * rest / plain);
  return 0;
}
