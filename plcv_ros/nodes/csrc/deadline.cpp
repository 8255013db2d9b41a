// SPDX-License-Identifier: Apache-2.0
// The module plcv_ros.nodes._deadline: ends a process that was asked to end and does not.
//
// A publish() that the transport blocks holds Python's interpreter lock, so no Python thread runs and no Python signal handler. This thread
// takes no such lock: it reads the bytes that CPython's C signal handler writes (signal.set_wakeup_fd), passes them on, and keeps the time.
#include <poll.h>
#include <pybind11/pybind11.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <thread>

namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
constexpr int kLookAgainMs = 100;  // a deadline that another thread has changed meanwhile is seen that soon

std::atomic<int64_t> g_deadline_ms{kNever};

int64_t now_ms() { return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

int64_t after(double seconds) { return now_ms() + static_cast<int64_t>(std::ceil(seconds * 1000)); }

// A deadline is only ever brought forward here.
void bring_forward(int64_t deadline) {
  int64_t old = g_deadline_ms.load();
  while (deadline < old && !g_deadline_ms.compare_exchange_weak(old, deadline)) {
  }
}

[[noreturn]] void end_process(const std::string& text) {
  if (::write(STDERR_FILENO, text.data(), text.size()) < 0) {
    // Nobody reads; the exit status still tells.
  }
  ::_exit(1);
}

// Until the other end of `signals` is closed; owns both descriptors.
void watch(int signals, int forward, double seconds, const std::string& text) {
  for (bool open = true; open;) {
    pollfd one{signals, POLLIN, 0};
    if (::poll(&one, 1, kLookAgainMs) > 0) {
      char bytes[64];
      const ssize_t count = ::read(signals, bytes, sizeof bytes);
      if (count > 0) {
        bring_forward(after(seconds));
        // A full buffer holds enough bytes to wake the reader.
        [[maybe_unused]] const ssize_t written = ::write(forward, bytes, static_cast<size_t>(count));
      } else {
        open = count < 0 && (errno == EINTR || errno == EAGAIN);
      }
    }
    if (now_ms() >= g_deadline_ms.load()) end_process(text);
  }
  ::close(signals);
  ::close(forward);
}

double checked(double seconds) {
  if (!(seconds > 0 && seconds < 1e6))
    throw pybind11::value_error("seconds is " + std::to_string(seconds) + ", expected more than 0 and less than 1e6");
  return seconds;
}

}  // namespace

PYBIND11_MODULE(_deadline, m) {
  m.doc() = "Ends a process that was asked to end and hangs, without Python's interpreter lock; used by plcv_ros.nodes.runner.";
  m.def(
      "start",
      [](int signals, int forward, double seconds, const std::string& text) {
        checked(seconds);
        const int from = ::dup(signals), to = ::dup(forward);
        if (from < 0 || to < 0)
          throw pybind11::value_error("signals and forward are " + std::to_string(signals) + " and " + std::to_string(forward) +
                                      ", expected two open file descriptors");
        std::thread(watch, from, to, seconds, text).detach();
      },
      pybind11::arg("signals"), pybind11::arg("forward"), pybind11::arg("seconds"), pybind11::arg("text"),
      "Start a thread that runs until the other end of `signals` is closed. Bytes read from the file descriptor `signals` are written to `forward`; "
      "the first of them sets a deadline in "
      "`seconds`. At the deadline `text` goes to standard error and the process ends with status 1.");
  m.def(
      "within", [](double seconds) { bring_forward(after(checked(seconds))); }, pybind11::arg("seconds"),
      "The process must end in so many seconds, or at the deadline that holds already.");
  m.def(
      "extend", [](double seconds) { g_deadline_ms.store(after(checked(seconds))); }, pybind11::arg("seconds"),
      "The process must end in so many seconds; a deadline that holds already is forgotten.");
  m.def("cancel", [] { g_deadline_ms.store(kNever); }, "No deadline holds any more.");
}
