// SPDX-License-Identifier: Apache-2.0
// A frame to an .astc file.
#pragma once

#include <cstdint>

#include "astc/kernels.h"
#include "image_view.h"

namespace plcv::astc {

// Writes a complete .astc file: 16 bytes of header and 16 a block; `out` has room for all of it. Blocks beyond the right and lower edge
// see the last column and row repeated. The bytes depend on the pixels, the mode and the preset only.
void encode(const Kernels& kernels, const ImageView& image, int mode_index, Preset preset, int threads, uint8_t* out);

}  // namespace plcv::astc
