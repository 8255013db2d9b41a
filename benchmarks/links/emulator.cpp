// SPDX-License-Identifier: Apache-2.0
// A slow, lossy link between two Ethernet interfaces, for kernels without netem.
//
//   emulator IF_A IF_B DELAY_US LOSS_PPM RATE_MBIT QUEUE_KB
//
// Forwards frames both ways: each is lost with probability LOSS_PPM / 10^6, waits behind those before it (at most QUEUE_KB of them; further
// ones are dropped), takes its length / RATE_MBIT to send (0: no time) and DELAY_US to arrive. A line "DELAY_US LOSS_PPM RATE_MBIT" on standard
// input changes the link; a loss of 1000000 cuts it. Every line, an empty one too, is answered by the counters since the start as JSON. Ends
// with standard input.
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <thread>
#include <vector>

namespace {

constexpr uint32_t kSlots = 32768;
constexpr int kMaxFrame = 2048;  // segmentation offloads must be off
constexpr int kBurst = 64;

std::atomic<int64_t> delay_ns, loss_ppm, rate_mbit;
int64_t queue_bytes;

struct Direction {
  int from, to;
  uint64_t seed;
  std::atomic<uint64_t> packets{0}, bytes{0}, lost{0}, overflowed{0};
};

int64_t now_ns() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return int64_t{t.tv_sec} * 1000000000 + t.tv_nsec;
}

int open_interface(const char* name) {
  const int s = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
  const int buffer = 64 << 20, one = 1;
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(if_nametoindex(name));
  setsockopt(s, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer);
  setsockopt(s, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer);
  setsockopt(s, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one);
  packet_mreq promiscuous{};
  promiscuous.mr_ifindex = address.sll_ifindex;
  promiscuous.mr_type = PACKET_MR_PROMISC;
  setsockopt(s, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof promiscuous);
  if (address.sll_ifindex == 0 || s < 0 || bind(s, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    std::perror(name);
    std::exit(1);
  }
  return s;
}

uint64_t next_random(uint64_t& state) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state >> 11;
}

void forward(Direction& d) {
  std::vector<uint8_t> data(std::size_t{kSlots} * kMaxFrame);
  std::vector<int> length(kSlots);
  std::vector<int64_t> due(kSlots);
  uint32_t head = 0, tail = 0;
  int64_t free_at = 0, queued = 0;
  for (;;) {
    for (const int64_t time = now_ns(); head != tail && due[head % kSlots] <= time; ++head) {
      const uint32_t slot = head % kSlots;
      if (send(d.to, &data[std::size_t{slot} * kMaxFrame], static_cast<std::size_t>(length[slot]), 0) < 0) d.overflowed++;
      queued -= length[slot];
    }
    timespec wait{0, 100000000};
    if (head != tail) {
      const int64_t left = due[head % kSlots] - now_ns();
      wait.tv_nsec = left < 0 ? 0 : (left < 100000000 ? left : 100000000);
    }
    pollfd readable{d.from, POLLIN, 0};
    if (ppoll(&readable, 1, &wait, nullptr) <= 0) continue;
    for (int k = 0; k < kBurst && tail - head < kSlots; ++k) {
      const uint32_t slot = tail % kSlots;
      const int size = static_cast<int>(recv(d.from, &data[std::size_t{slot} * kMaxFrame], kMaxFrame, MSG_DONTWAIT));
      if (size <= 0) break;
      d.packets++;
      d.bytes += static_cast<uint64_t>(size);
      if (static_cast<int64_t>(next_random(d.seed) % 1000000) < loss_ppm) {
        d.lost++;
        continue;
      }
      if (queued + size > queue_bytes) {
        d.overflowed++;
        continue;
      }
      const int64_t time = now_ns(), rate = rate_mbit;
      if (free_at < time) free_at = time;
      free_at += rate > 0 ? size * int64_t{8000} / rate : 0;
      due[slot] = free_at + delay_ns;
      length[slot] = size;
      queued += size;
      ++tail;
    }
  }
}

void print(const char* name, const Direction& d) {
  std::printf("\"%s\": {\"packets\": %llu, \"bytes\": %llu, \"lost\": %llu, \"overflowed\": %llu}", name, static_cast<unsigned long long>(d.packets),
              static_cast<unsigned long long>(d.bytes), static_cast<unsigned long long>(d.lost), static_cast<unsigned long long>(d.overflowed));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) {
    std::fprintf(stderr, "usage: emulator IF_A IF_B DELAY_US LOSS_PPM RATE_MBIT QUEUE_KB\n");
    return 2;
  }
  delay_ns = std::atoll(argv[3]) * 1000;
  loss_ppm = std::atoll(argv[4]);
  rate_mbit = std::atoll(argv[5]);
  queue_bytes = std::atoll(argv[6]) * 1000;
  // A link does not wait for the programs that use it: where it may, the emulator comes before them.
  sched_param priority{};
  priority.sched_priority = 50;
  sched_setscheduler(0, SCHED_FIFO, &priority);
  const int a = open_interface(argv[1]), b = open_interface(argv[2]);
  Direction forth{a, b, 88172645463325252u}, back{b, a, 362436069876543210u};
  std::thread([&] { forward(forth); }).detach();
  std::thread([&] { forward(back); }).detach();
  char line[256];
  while (std::fgets(line, sizeof line, stdin) != nullptr) {
    long long delay_us, loss, rate;
    if (std::sscanf(line, "%lld %lld %lld", &delay_us, &loss, &rate) == 3) {
      delay_ns = delay_us * 1000;
      loss_ppm = loss;
      rate_mbit = rate;
    }
    std::printf("{");
    print("forth", forth);
    std::printf(", ");
    print("back", back);
    std::printf("}\n");
    std::fflush(stdout);
  }
  std::_Exit(0);  // the two threads never end
}
