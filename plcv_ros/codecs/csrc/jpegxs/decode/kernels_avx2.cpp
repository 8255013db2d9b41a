// SPDX-License-Identifier: Apache-2.0
#include "jpegxs/decode/entropy_vector.h"
#include "jpegxs/decode/lanes_avx2.h"
#include "jpegxs/decode/lines_vector.h"

namespace plcv::jpegxs::decoding {

const Kernels& kernels_avx2() {
  using S = LanesAvx2;
  using L = Lines<S>;
  static constexpr Kernels kTable = {&unary,
                                     &raw_counts,
                                     &counts<S>,
                                     &data_nibbles<S>,
                                     &coefficients<S>,
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
