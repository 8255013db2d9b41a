// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace plcv::astc {

enum class Preset : int { fast, fine, paper };

}  // namespace plcv::astc
