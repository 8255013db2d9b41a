// SPDX-License-Identifier: Apache-2.0
// Working memory that a thread keeps from frame to frame: the pages of fresh memory cost more than decoding into them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace plcv::jpegxs::decoding {

// A block of at least that many bytes, zeros the first time. Both are for the same thread's memory; more than kKeptBytes are not kept.
struct ScratchBlock {
  uint8_t* data = nullptr;
  std::size_t size = 0;
};
constexpr std::size_t kKeptBytes = std::size_t{8} << 20;
constexpr std::size_t kKeptBlocks = 64;
ScratchBlock take_scratch(std::size_t bytes);
void give_back_scratch(ScratchBlock block);

// An array of `size` elements whose values do not matter.
template <class T>
class Scratch {
 public:
  Scratch() = default;
  explicit Scratch(std::size_t size) : block_(take_scratch(size * sizeof(T))), size_(size) {}
  Scratch(Scratch&& other) noexcept : block_(std::exchange(other.block_, {})), size_(std::exchange(other.size_, 0)) {}
  Scratch& operator=(Scratch&& other) noexcept {
    std::swap(block_, other.block_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Scratch() { give_back_scratch(block_); }

  T* data() const { return reinterpret_cast<T*>(block_.data); }
  std::size_t size() const { return size_; }

 private:
  ScratchBlock block_;
  std::size_t size_ = 0;
};

}  // namespace plcv::jpegxs::decoding
