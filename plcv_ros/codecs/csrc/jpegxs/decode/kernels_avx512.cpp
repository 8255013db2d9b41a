// SPDX-License-Identifier: Apache-2.0
#include "jpegxs/decode/entropy_avx512.h"
#include "jpegxs/decode/lanes_avx512.h"
#include "jpegxs/decode/lines_vector.h"

namespace plcv::jpegxs::decoding {

const Kernels& kernels_avx512() {
  using L = Lines<LanesAvx512>;
  static constexpr Kernels kTable = {&unary,
                                     &raw_counts,
                                     &counts,
                                     &data_nibbles,
                                     &coefficients,
                                     &L::horizontal<int32_t>,
                                     &L::horizontal<int16_t>,
                                     &L::vertical_even,
                                     &L::vertical_odd,
                                     &L::vertical,
                                     &L::inverse_rct,
                                     &L::scale8,
                                     &L::scale16,
                                     &L::interleave,
                                     &L::rct_to_rgb8,
                                     &L::ycbcr_to_rgb8};
  return kTable;
}

}  // namespace plcv::jpegxs::decoding
