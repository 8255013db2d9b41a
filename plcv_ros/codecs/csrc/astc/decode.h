// SPDX-License-Identifier: Apache-2.0
// The blocks of an .astc file to pixels.
#pragma once

#include <cstddef>
#include <cstdint>

#include "astc/block.h"
#include "astc/header.h"
#include "astc/kernels.h"

namespace plcv::astc {

constexpr int64_t kAllDecoded = -1;

// `header` comes from parse_header, `blocks` points behind it. Writes header.width x header.height pixels, rgb8, rows `row_stride` bytes
// apart, and nothing beside them. Returns kAllDecoded, or the index of the first block that is not in a pruned mode, or not in that of the first
// (the pixels are then unspecified). Time is linear in the number of blocks.
int64_t decode(const Kernels& kernels, const Header& header, const uint8_t* blocks, uint8_t* rgb, std::ptrdiff_t row_stride, int threads);

// What a file's blocks are.
struct Survey {
  int64_t pruned[kModeCount];  // in each mode of kBlockModes
  int64_t general;             // other blocks of the LDR profile
  int64_t hdr, error;
  int64_t first_other, first_refused;  // the first that `decode` does not take, and the first of hdr and error; -1 where there is none
  BlockFields refused;                 // what first_refused is
};

// Looks at the modes of all blocks and decodes nothing. Time is linear in the number of blocks.
Survey survey(const Header& header, const uint8_t* blocks);

// As decode, for a file whose survey found neither hdr nor error blocks: those in the pruned mode that most of them are in, where there is one, by
// its kernel, the others by the general decoder, each once. Returns how many those are.
int64_t decode_general(const Kernels& kernels, const Header& header, const Survey& survey, const uint8_t* blocks, uint8_t* rgb,
                       std::ptrdiff_t row_stride, int threads);

}  // namespace plcv::astc
