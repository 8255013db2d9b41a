// SPDX-License-Identifier: Apache-2.0
#include "jpegxs/decode/kernels.h"

namespace plcv::jpegxs {

const Kernels& kernels_for(simd::Target) { return kernels_scalar(); }

}  // namespace plcv::jpegxs
