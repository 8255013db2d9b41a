// SPDX-License-Identifier: Apache-2.0
#include "astc/repack.h"

#include <cstddef>
#include <cstring>

namespace plcv::astc {

void repack(const uint8_t* pixels, PixelFormat format, int count, uint8_t* out) {
  switch (bytes_per_pixel(format)) {
    case 3:
      std::memcpy(out, pixels, 3 * static_cast<std::size_t>(count));
      break;
    case 4: {
      // Four bytes at a time: the fourth is overwritten by the next pixel.
      for (int i = 0; i + 1 < count; ++i) std::memcpy(out + 3 * i, pixels + 4 * i, 4);
      std::memcpy(out + 3 * (count - 1), pixels + 4 * (count - 1), 3);
      break;
    }
    default:
      for (int i = 0; i < count; ++i) out[3 * i] = out[3 * i + 1] = out[3 * i + 2] = pixels[i];
  }
}

}  // namespace plcv::astc
