// SPDX-License-Identifier: Apache-2.0
// Threads keep working memory from frame to frame, so nothing may depend on what is in it. The tests are built with PLCV_POISON_SCRATCH:
// memory is then filled with other bytes before each use, and, under the address sanitizer, what no frame of this layout uses is out of
// bounds. Elsewhere these functions do nothing.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(PLCV_POISON_SCRATCH) && defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace plcv {

#if defined(PLCV_POISON_SCRATCH)
constexpr std::size_t kRedZone = 64;  // bytes between the parts of a buffer

inline void fill_scratch(void* data, std::size_t size) {
  static thread_local uint64_t state = 88172645463325252ull;
  uint8_t* const bytes = static_cast<uint8_t*>(data);
  for (std::size_t i = 0; i < size; ++i) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    bytes[i] = static_cast<uint8_t>(state >> 56);
  }
}
#else
constexpr std::size_t kRedZone = 0;

inline void fill_scratch(void*, std::size_t) {}
#endif

#if defined(PLCV_POISON_SCRATCH) && defined(__SANITIZE_ADDRESS__)
inline void forbid_scratch(void* data, std::size_t size) { ASAN_POISON_MEMORY_REGION(data, size); }
inline void allow_scratch(void* data, std::size_t size) { ASAN_UNPOISON_MEMORY_REGION(data, size); }
#else
inline void forbid_scratch(void*, std::size_t) {}
inline void allow_scratch(void*, std::size_t) {}
#endif

}  // namespace plcv
