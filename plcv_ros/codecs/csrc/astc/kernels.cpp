// SPDX-License-Identifier: Apache-2.0
#include "astc/kernels.h"

namespace plcv::astc {

const Kernels& kernels_for(simd::Target target) {
  switch (target) {
#if defined(__x86_64__)
    case simd::Target::avx512:
      return kernels_avx512();
    case simd::Target::avx2:
      return kernels_avx2();
#elif defined(__aarch64__)
    case simd::Target::neon:
      return kernels_neon();
#endif
    default:
      return kernels_scalar();
  }
}

}  // namespace plcv::astc
