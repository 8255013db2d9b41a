// SPDX-License-Identifier: Apache-2.0
// Loops over vectors kept in registers must be unrolled, or the vectors live in memory and the tables are read at run time. Loops over the
// four groups of a wide tile must not, or the code outgrows the instruction cache.
#pragma once

#define PLCV_UNROLL _Pragma("GCC unroll 16")
#define PLCV_ROLLED _Pragma("GCC unroll 1")
