// SPDX-License-Identifier: Apache-2.0
// Gains and priorities of the bands (ISO/IEC 21122-1, Annex H gives tables; these are derived from the norms of the wavelets).
#pragma once

#include "jpegxs/geometry.h"
#include "jpegxs/parameters.h"

namespace plcv::jpegxs {

// L2 norm of the synthesis function of a coefficient of this band, in the samples that come out of the inverse colour transform.
double band_norm(const Band& band, bool colour_transform);

// Fills parameters->gain and ->priority: weights log2 of the L2 norms of the synthesis functions of each band (5/3 transform, and the RCT where
// `colour_transform` is set), the smallest one 0. The gain is the whole part; priorities 0, 1, 2, ... fall with the fractional part.
void set_default_gains(const Geometry& geometry, Parameters* parameters);

}  // namespace plcv::jpegxs
