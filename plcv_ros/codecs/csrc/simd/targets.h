// SPDX-License-Identifier: Apache-2.0
// Which instruction-set targets this machine has, and which one is used.
#pragma once

#include <string>
#include <vector>

#include "astc/kernels.h"

namespace plcv::simd {

// Targets that this build contains and this machine can run, best first; "scalar" is always the last.
const std::vector<const astc::Kernels*>& available();

// A target by name; nullptr where it is unknown or cannot run here.
const astc::Kernels* find(const std::string& name);

}  // namespace plcv::simd
