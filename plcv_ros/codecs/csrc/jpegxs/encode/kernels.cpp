// SPDX-License-Identifier: Apache-2.0
#include "jpegxs/encode/kernels.h"

namespace plcv::jpegxs::encoding {

const Kernels& kernels_for(simd::Target target) {
  switch (target) {
#if defined(__x86_64__)
    case simd::Target::avx512:
      return kernels_avx512();
#endif
    default:
      return kernels_scalar();
  }
}

}  // namespace plcv::jpegxs::encoding
