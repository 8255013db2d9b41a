// SPDX-License-Identifier: Apache-2.0
#include "jpegxs/encode/kernels_vector.h"
#include "jpegxs/encode/lanes_avx2.h"

namespace plcv::jpegxs::encoding {

const Kernels& kernels_avx2() {
  static constexpr Kernels kTable = VectorKernels<Avx2Lanes>::table();
  return kTable;
}

}  // namespace plcv::jpegxs::encoding
