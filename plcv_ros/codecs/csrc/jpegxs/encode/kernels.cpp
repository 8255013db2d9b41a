// SPDX-License-Identifier: Apache-2.0
#include "jpegxs/encode/kernels.h"

namespace plcv::jpegxs::encoding {

const Kernels& kernels_for(simd::Target target) {
  switch (target) {
    default:
      return kernels_scalar();
  }
}

}  // namespace plcv::jpegxs::encoding
