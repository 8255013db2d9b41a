// SPDX-License-Identifier: Apache-2.0
#include "simd/targets.h"

namespace plcv::simd {
namespace {

std::vector<const astc::Kernels*> detect() {
  std::vector<const astc::Kernels*> found;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vnni")) {
    found.push_back(&astc::kernels_avx512());
  }
  if (__builtin_cpu_supports("avx2")) found.push_back(&astc::kernels_avx2());
#elif defined(__aarch64__)
  found.push_back(&astc::kernels_neon());
#endif
  found.push_back(&astc::kernels_scalar());
  return found;
}

}  // namespace

const std::vector<const astc::Kernels*>& available() {
  static const std::vector<const astc::Kernels*> found = detect();
  return found;
}

const astc::Kernels* find(const std::string& name) {
  for (const astc::Kernels* kernels : available()) {
    if (name == kernels->name) return kernels;
  }
  return nullptr;
}

}  // namespace plcv::simd
