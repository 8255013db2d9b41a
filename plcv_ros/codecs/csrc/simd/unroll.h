// SPDX-License-Identifier: Apache-2.0
// Loops over vectors kept in registers must be unrolled, or the vectors live in memory and the tables are read at run time.
#pragma once

#define PLCV_UNROLL _Pragma("GCC unroll 16")

// For loops over the groups of a tile: enough to overlap two of them, while the code still fits the instruction cache.
#define PLCV_UNROLL_TWICE _Pragma("GCC unroll 2")
