// SPDX-License-Identifier: Apache-2.0
#include "astc/kernels_vector.h"
#include "simd/vec_neon.h"

namespace plcv::astc {

const Kernels& kernels_neon() {
  static constexpr Kernels kTable = kernels_of<simd::Neon>();
  return kTable;
}

}  // namespace plcv::astc
