// SPDX-License-Identifier: Apache-2.0
// A codestream to samples.
#pragma once

#include <string>

#include "jpegxs/decode/codestream.h"
#include "jpegxs/decode/kernels.h"
#include "jpegxs/decode/output.h"

namespace plcv::jpegxs::decoding {

// Decodes the codestream that open_codestream has read, into the rows of `destination` and nothing beside them. Returns an empty string, or
// what is wrong (what was written is then unspecified). The samples do not depend on target and threads. Time and memory are linear in
// payload and picture.
std::string decode(const Kernels& kernels, Codestream codestream, const Destination& destination, int threads);

}  // namespace plcv::jpegxs::decoding
