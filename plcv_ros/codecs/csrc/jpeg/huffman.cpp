// SPDX-License-Identifier: Apache-2.0
#include "jpeg/huffman.h"

#include <algorithm>

namespace plcv::jpeg {

std::size_t HuffmanTable::define(const uint8_t* codes, std::size_t size) {
  if (size < 16) return 0;
  int32_t code = 0;
  int32_t count = 0;
  for (int length = 1; length <= 16; ++length) {
    smallest_[length] = code;
    first_[length] = count;
    code += codes[length - 1];
    count += codes[length - 1];
    // Without codes of this length, none is below the limit.
    limit_[length] = codes[length - 1] == 0 ? 0 : code;
    if (code > 1 << length) return 0;
    code <<= 1;
  }
  const std::size_t taken = 16 + static_cast<std::size_t>(count);
  if (count > 256 || taken > size) return 0;
  std::copy(codes + 16, codes + taken, values_);
  defined_ = true;
  return taken;
}

}  // namespace plcv::jpeg
