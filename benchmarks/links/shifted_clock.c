// SPDX-License-Identifier: Apache-2.0
// A system clock that is wrong, for one process: preloaded, it adds an offset and a drift to CLOCK_REALTIME, as on another computer.
// The file named by PLCV_SHIFTED_CLOCK holds both and may be changed while the process runs. See shifted_clock.py.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct setting {
  int64_t offset_ns;
  double drift;           // seconds a second
  int64_t drift_from_ns;  // on CLOCK_MONOTONIC
};

static const struct setting* setting;

static int64_t nanoseconds(const struct timespec* t) { return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec; }

__attribute__((constructor)) static void open_setting(void) {
  const char* path = getenv("PLCV_SHIFTED_CLOCK");
  if (!path) return;
  int file = open(path, O_RDONLY);
  if (file < 0) return;
  void* memory = mmap(NULL, sizeof *setting, PROT_READ, MAP_SHARED, file, 0);
  close(file);
  if (memory != MAP_FAILED) setting = memory;
}

static int64_t shift(void) {
  if (!setting) return 0;
  struct timespec monotonic;
  syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &monotonic);
  return setting->offset_ns + (int64_t)((double)(nanoseconds(&monotonic) - setting->drift_from_ns) * setting->drift);
}

int clock_gettime(clockid_t clock, struct timespec* t) {
  static int (*real)(clockid_t, struct timespec*);
  if (!real) real = (int (*)(clockid_t, struct timespec*))dlsym(RTLD_NEXT, "clock_gettime");
  int result = real(clock, t);
  if (result == 0 && clock == CLOCK_REALTIME) {
    int64_t shifted = nanoseconds(t) + shift();
    t->tv_sec = shifted / 1000000000;
    t->tv_nsec = shifted % 1000000000;
  }
  return result;
}

int gettimeofday(struct timeval* restrict t, void* restrict zone) {
  (void)zone;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  t->tv_sec = now.tv_sec;
  t->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t* t) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (t) *t = now.tv_sec;
  return now.tv_sec;
}

// Deadlines of waits are read off the shifted clock, but the kernel counts on its own.
int pthread_cond_timedwait(pthread_cond_t* restrict condition, pthread_mutex_t* restrict mutex, const struct timespec* restrict deadline) {
  static int (*real)(pthread_cond_t*, pthread_mutex_t*, const struct timespec*);
  if (!real) real = (int (*)(pthread_cond_t*, pthread_mutex_t*, const struct timespec*))dlsym(RTLD_NEXT, "pthread_cond_timedwait");
  struct timespec now, monotonic;
  clock_gettime(CLOCK_REALTIME, &now);
  syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &monotonic);
  struct timespec moved = *deadline;
  // A condition may count on the monotonic clock instead: its deadlines lie near that one.
  if (llabs(nanoseconds(deadline) - nanoseconds(&now)) < llabs(nanoseconds(deadline) - nanoseconds(&monotonic))) {
    int64_t unshifted = nanoseconds(deadline) - shift();
    moved.tv_sec = unshifted / 1000000000;
    moved.tv_nsec = unshifted % 1000000000;
  }
  return real(condition, mutex, &moved);
}
