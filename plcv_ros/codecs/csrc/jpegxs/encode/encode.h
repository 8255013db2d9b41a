// SPDX-License-Identifier: Apache-2.0
// A frame to a JPEG XS codestream.
#pragma once

#include <cstdint>
#include <vector>

#include "image_view.h"
#include "jpegxs/encode/kernels.h"
#include "jpegxs/encode/plan.h"

namespace plcv::jpegxs::encoding {

// Writes a codestream of exactly plan.parameters.length bytes to `out`. The plan is one of the image's size and format, not lossless. The bytes
// depend on the plan and the pixels only. With RateControl::slice, up to `threads` threads share the work.
void encode(const Kernels& kernels, const Plan& plan, const ImageView& image, int threads, uint8_t* out);

// A strip: SOC and all header segments of the frame's codestream, slices [first, last) as they are in it, EOC. For RateControl::slice. The
// other slices are not coded; pixels above and below are read as far as the transform reaches. Bytes: strip_bytes().
void encode_strip(const Kernels& kernels, const Plan& plan, const ImageView& image, int first, int last, uint8_t* out);
int64_t strip_bytes(const Plan& plan, int first, int last);

// The codestream of a lossless plan; its length depends on the pixels.
std::vector<uint8_t> encode_lossless(const Kernels& kernels, const Plan& plan, const ImageView& image, int threads);

}  // namespace plcv::jpegxs::encoding
