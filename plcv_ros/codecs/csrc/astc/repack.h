// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "image_view.h"

namespace plcv::astc {

// Copies `count` pixels to three bytes each: mono8 tripled, alpha dropped, the order of colours kept (bgra8 gives bgr8).
void repack(const uint8_t* pixels, PixelFormat format, int count, uint8_t* out);

}  // namespace plcv::astc
