// SPDX-License-Identifier: Apache-2.0
#include "worker_pool.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace plcv {
namespace {

void pause_briefly() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// One frame's work. Helpers that come late find nothing left; the caller waits only for those that have begun.
struct Job {
  const std::function<void(int)>* work;
  int count;
  std::atomic<int> next{0};
  std::atomic<int> active{0};

  void help() {
    for (int i = next.fetch_add(1); i < count; i = next.fetch_add(1)) (*work)(i);
  }
};

class Pool {
 public:
  void run(int count, int helpers, const std::function<void(int)>& work) {
    Job job;
    job.work = &work;
    job.count = count;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      while (started_ < helpers) {
        try {
          std::thread([this] { serve(); }).detach();
        } catch (const std::system_error&) {
          break;  // no more threads to be had: fewer do the work
        }
        ++started_;
      }
      helpers = std::min(helpers, started_);
      for (int i = 0; i < helpers; ++i) queue_.push_back(&job);
    }
    if (helpers == 1) {
      wake_.notify_one();
    } else {
      wake_.notify_all();
    }
    job.help();
    {
      std::lock_guard<std::mutex> lock(mutex_);
      queue_.erase(std::remove(queue_.begin(), queue_.end(), &job), queue_.end());
    }
    // A helper counts itself in under the lock, so `active` only falls from here on. The rest is one piece of work: spin, then yield.
    for (int spins = 0; job.active.load(std::memory_order_acquire) != 0; ++spins) {
      if (spins < 4000) {
        pause_briefly();
      } else {
        std::this_thread::yield();
      }
    }
  }

 private:
  void serve() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      wake_.wait(lock, [this] { return !queue_.empty(); });
      Job* job = queue_.back();
      queue_.pop_back();
      job->active.fetch_add(1, std::memory_order_relaxed);
      lock.unlock();
      job->help();
      job->active.fetch_sub(1, std::memory_order_release);
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Job*> queue_;
  int started_ = 0;
};

// The pool is never destroyed: its threads may sleep in it until the process ends. A forked child has none of them and starts its own.
Pool& pool() {
  static std::mutex mutex;
  static Pool* instance = nullptr;
  static pid_t owner = 0;
  std::lock_guard<std::mutex> lock(mutex);
  if (instance == nullptr || owner != getpid()) {
    instance = new Pool;
    owner = getpid();
  }
  return *instance;
}

}  // namespace

void parallel_for(int count, int threads, const std::function<void(int)>& work) {
  const int helpers = std::min(threads, count) - 1;
  if (helpers < 1) {
    for (int i = 0; i < count; ++i) work(i);
    return;
  }
  pool().run(count, helpers, work);
}

}  // namespace plcv
