// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "astc/block_mode.h"
#include "image_view.h"

namespace plcv::astc {

enum class Preset : int { fast, fine, paper };

// Writes a complete .astc file: 16 bytes of header and 16 a block. `out` has room for all of it.
void encode(const ImageView& image, const BlockMode& mode, Preset preset, int threads, uint8_t* out);

}  // namespace plcv::astc
