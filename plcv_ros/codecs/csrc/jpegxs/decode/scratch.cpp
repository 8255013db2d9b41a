// SPDX-License-Identifier: Apache-2.0
#include "jpegxs/decode/scratch.h"

#include <cstdlib>
#include <new>
#include <vector>

#include "scratch_poison.h"

namespace plcv::jpegxs::decoding {
namespace {

// Under the address sanitizer nothing is kept, so that every block has exactly its size.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kKeep = false;
#else
constexpr bool kKeep = true;
#endif

struct Kept {
  std::vector<ScratchBlock> blocks;
  std::size_t bytes = 0;
  ~Kept() {
    for (const ScratchBlock& block : blocks) std::free(block.data);
  }
};

Kept& kept() {
  static thread_local Kept instance;
  return instance;
}

}  // namespace

ScratchBlock take_scratch(std::size_t bytes) {
  if (bytes == 0) return {};
  std::vector<ScratchBlock>& blocks = kept().blocks;
  // The last one that was given back is the likeliest to be in the cache.
  for (std::size_t i = blocks.size(); i-- > 0;) {
    const ScratchBlock block = blocks[i];
    if (block.size < bytes || block.size > 2 * bytes) continue;
    blocks[i] = blocks.back();
    blocks.pop_back();
    kept().bytes -= block.size;
    fill_scratch(block.data, block.size);
    return block;
  }
  uint8_t* data = static_cast<uint8_t*>(std::calloc(bytes, 1));
  if (data == nullptr) throw std::bad_alloc();
  fill_scratch(data, bytes);
  return {data, bytes};
}

void give_back_scratch(ScratchBlock block) {
  if (block.data == nullptr) return;
  if (!kKeep || block.size > kKeptBytes) {
    std::free(block.data);
    return;
  }
  // The oldest make room: sizes of pictures that no longer come must not keep out those that do.
  std::vector<ScratchBlock>& blocks = kept().blocks;
  while (!blocks.empty() && (kept().bytes + block.size > kKeptBytes || blocks.size() >= kKeptBlocks)) {
    kept().bytes -= blocks.front().size;
    std::free(blocks.front().data);
    blocks.erase(blocks.begin());
  }
  kept().bytes += block.size;
  kept().blocks.push_back(block);
}

}  // namespace plcv::jpegxs::decoding
