// SPDX-License-Identifier: Apache-2.0
// Where a codec's time goes: core cycles a sample for every kernel and for the rest. Every call of a kernel is timed with the time-stamp
// counter; what reading it costs is taken off. Core cycles come from the speed of a chain of dependent additions. x86-64 only.
#pragma once

#include <time.h>
#include <x86intrin.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

namespace plcv::test {

struct Stage {
  const char* name;
  uint64_t ticks = 0, calls = 0;
};

// Of the program; its kernels are numbered in this order.
inline std::vector<Stage> stages;

inline uint64_t now() {
  unsigned unused;
  return __rdtscp(&unused);
}

struct Timer {
  explicit Timer(int index) : stage(stages[static_cast<std::size_t>(index)]), start(now()) {}
  ~Timer() {
    stage.ticks += now() - start;
    ++stage.calls;
  }
  Stage& stage;
  uint64_t start;
};

// The kernel table whose functions are timed.
template <class Kernels>
const Kernels* timed;

// Timed<stage, &Kernels::function>::run is that function of `timed`, with a timer.
template <int kStage, auto kMember>
struct Timed;
template <int kStage, class Kernels, class R, class... A, R (*Kernels::*kMember)(A...)>
struct Timed<kStage, kMember> {
  static R run(A... arguments) {
    const Timer timer(kStage);
    return (timed<Kernels>->*kMember)(arguments...);
  }
};

// Ticks that an empty timer counts.
inline double empty_timer() {
  uint64_t least = ~uint64_t{0};
  for (int run = 0; run < 1000; ++run) {
    constexpr int kTimers = 100;
    stages[0].ticks = 0;
    for (int i = 0; i < kTimers; ++i) const Timer timer(0);
    least = std::min(least, stages[0].ticks / kTimers);
  }
  return static_cast<double>(least);
}

// Time that this thread has been running for: on a busy machine, the whole is interrupted more often than a stage.
inline double thread_ms() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return 1e3 * static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_nsec);
}

inline double core_cycles_per_tick() {
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

inline double timer_ticks_per_ms() {
  const auto start = std::chrono::steady_clock::now();
  const uint64_t first = now();
  while (std::chrono::steady_clock::now() - start < std::chrono::milliseconds(20)) {
  }
  return static_cast<double>(now() - first) / std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

// Prints a table: the least of many runs of the whole without timers, then of each stage. `with_timers` is the same work with a kernel table
// of Timed functions.
inline void report_stages(const std::string& title, double samples, const std::function<void()>& plain_run,
                          const std::function<void()>& with_timers) {
  constexpr int kRuns = 100;
  const double counted = empty_timer();
  double whole_ms = 1e30;
  for (int run = 0; run < kRuns; ++run) {
    const double start = thread_ms();
    plain_run();
    whole_ms = std::min(whole_ms, thread_ms() - start);
  }
  std::vector<Stage> best;
  for (int run = 0; run < kRuns; ++run) {
    for (Stage& stage : stages) stage.ticks = stage.calls = 0;
    with_timers();
    if (run == 0) best = stages;
    for (std::size_t i = 0; i < stages.size(); ++i) {
      if (stages[i].ticks < best[i].ticks) best[i] = stages[i];
    }
  }

  const double scale = core_cycles_per_tick(), ticks_per_ms = timer_ticks_per_ms(), whole = whole_ms * ticks_per_ms;
  std::printf("%s: %.2f ms, %.2f core cycles a sample, %.2f core GHz\n", title.c_str(), whole_ms, whole * scale / samples,
              scale * ticks_per_ms * 1e-6);
  std::printf("| stage | calls | ms | cycles a sample | share |\n| --- | --- | --- | --- | --- |\n");
  double rest = whole;
  for (const Stage& stage : best) {
    const double ticks = std::max(static_cast<double>(stage.ticks) - counted * static_cast<double>(stage.calls), 0.0);
    rest -= ticks;
    std::printf("| %s | %llu | %.2f | %.3f | %.0f %% |\n", stage.name, static_cast<unsigned long long>(stage.calls), ticks / ticks_per_ms,
                ticks * scale / samples, 100 * ticks / whole);
  }
  std::printf("| everything else | | %.2f | %.3f | %.0f %% |\n", rest / ticks_per_ms, rest * scale / samples, 100 * rest / whole);
}

}  // namespace plcv::test
