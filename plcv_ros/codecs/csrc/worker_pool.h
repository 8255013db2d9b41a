// SPDX-License-Identifier: Apache-2.0
// Threads that outlive a frame, so that splitting one costs microseconds.
#pragma once

#include <functional>

namespace plcv {

// Calls work(i) for every i in [0, count), spread over the calling thread and up to `threads` - 1 helpers; returns when all are done.
// Which thread does what is not defined; `work` must not throw. Calls from several threads at once are served one after the other's
// helpers are free. Safe to use in a child after fork (helpers are then started anew).
void parallel_for(int count, int threads, const std::function<void(int)>& work);

}  // namespace plcv
