// SPDX-License-Identifier: Apache-2.0
#include "astc/kernels_vector.h"
#include "simd/vec_avx2.h"

namespace plcv::astc {

const Kernels& kernels_avx2() {
  static constexpr Kernels kTable = kernels_of<simd::Avx2>();
  return kTable;
}

}  // namespace plcv::astc
