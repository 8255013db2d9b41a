// SPDX-License-Identifier: Apache-2.0
#include "astc/kernels_vector.h"
#include "simd/vec_avx512.h"

namespace plcv::astc {

const Kernels& kernels_avx512() {
  static constexpr Kernels kTable = kernels_of<simd::Avx512>();
  return kTable;
}

}  // namespace plcv::astc
