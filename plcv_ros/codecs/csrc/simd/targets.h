// SPDX-License-Identifier: Apache-2.0
// Which instruction-set targets this machine has. Each codec keeps a table of kernels a target (kernels_for); the bytes are the same on all.
#pragma once

#include <string>
#include <vector>

namespace plcv::simd {

enum class Target : int { scalar, avx2, avx512, neon };

const char* name(Target target);

// Targets that this build contains and this machine can run, best first; scalar is always the last.
const std::vector<Target>& available();

// Finds a target by name; false where it is unknown or cannot run here.
bool find(const std::string& wanted, Target* target);

}  // namespace plcv::simd
