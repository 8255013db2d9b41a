// SPDX-License-Identifier: Apache-2.0
#include "jpegxs/encode/kernels_vector.h"
#include "jpegxs/encode/lanes_neon.h"

namespace plcv::jpegxs::encoding {

const Kernels& kernels_neon() {
  static constexpr Kernels kTable = VectorKernels<NeonLanes>::table();
  return kTable;
}

}  // namespace plcv::jpegxs::encoding
