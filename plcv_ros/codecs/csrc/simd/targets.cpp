// SPDX-License-Identifier: Apache-2.0
#include "simd/targets.h"

namespace plcv::simd {
namespace {

std::vector<Target> detect() {
  std::vector<Target> found;
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool bit_manipulation = __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
  if (bit_manipulation && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vnni") &&
      __builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("gfni")) {
    found.push_back(Target::avx512);
  }
  if (bit_manipulation && __builtin_cpu_supports("avx2")) found.push_back(Target::avx2);
#elif defined(__aarch64__)
  found.push_back(Target::neon);
#endif
  found.push_back(Target::scalar);
  return found;
}

}  // namespace

const char* name(Target target) {
  switch (target) {
    case Target::avx2:
      return "avx2";
    case Target::avx512:
      return "avx512";
    case Target::neon:
      return "neon";
    default:
      return "scalar";
  }
}

const std::vector<Target>& available() {
  static const std::vector<Target> found = detect();
  return found;
}

bool find(const std::string& wanted, Target* target) {
  for (const Target candidate : available()) {
    if (wanted == name(candidate)) {
      *target = candidate;
      return true;
    }
  }
  return false;
}

}  // namespace plcv::simd
