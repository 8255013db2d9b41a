// SPDX-License-Identifier: Apache-2.0
#include "jpegxs/encode/kernels.h"

namespace plcv::jpegxs::encoding {

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

}  // namespace plcv::jpegxs::encoding
