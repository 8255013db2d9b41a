// SPDX-License-Identifier: Apache-2.0
#include "jpegxs/encode/encode.h"

#include <algorithm>
#include <cstring>

#include "jpegxs/encode/costs.h"
#include "jpegxs/encode/packet_layout.h"
#include "jpegxs/encode/packets.h"
#include "jpegxs/encode/transform.h"
#include "jpegxs/write_header.h"
#include "worker_pool.h"

namespace plcv::jpegxs::encoding {
namespace {

constexpr int kChunksPerThread = 2;

// Over the picture, what a precinct leaves unused is spread over this many rows, so that a flat area does not pay for a single row.
constexpr int kCarryRows = 16;
// More than this is not carried on but filled with zeros: a precinct's length has 20 bits.
constexpr int64_t kMostCarried = kPrecinctLimit / 4;

// What a thread keeps from frame to frame, so that a frame costs no page faults.
struct ThreadMemory {
  std::vector<uint8_t> transform;
  PrecinctBuffers precinct;
};

ThreadMemory& thread_memory() {
  thread_local ThreadMemory memory;
  return memory;
}

// Codes precinct rows one after the other.
class Coder {
 public:
  Coder(const Kernels& kernels, const Plan& plan, const ImageView& image)
      : kernels_(kernels),
        plan_(plan),
        buffers_(thread_memory().precinct),
        transform_(kernels, plan, image, &thread_memory().transform),
        costs_(kernels, plan, transform_) {
    buffers_.resize(plan);
  }

  void start(int row) { transform_.start(row); }

  // Codes a precinct row in at most `budget` bytes; negative: as finely as it goes. Returns its bytes; they are at data().
  int64_t code(int row, int64_t budget) {
    transform_.produce(row);
    const bool first_of_slice = row % plan_.parameters.slice_precinct_rows == 0;
    costs_.begin(row, first_of_slice ? nullptr : truncations_);
    // Every plan has room for the coarsest step, so one always fits.
    step_ = budget < 0 ? 0 : costs_.choose(budget, first_of_slice ? -1 : step_);
    const int64_t bytes = write_precinct(kernels_, plan_, row, step_, &costs_, &buffers_);
    std::copy_n(costs_.truncations(), plan_.geometry.bands, truncations_);
    return bytes;
  }

  uint8_t* data() { return buffers_.bytes.data(); }

 private:
  const Kernels& kernels_;
  const Plan& plan_;
  PrecinctBuffers& buffers_;
  Transform transform_;
  PrecinctCosts costs_;
  int step_ = 0;
  uint8_t truncations_[kMaxBands];
};

// Slices [first, last) at a constant rate; `out` is where the first one begins. Returns the end.
uint8_t* code_slices(const Kernels& kernels, const Plan& plan, const ImageView& image, int first, int last, uint8_t* out) {
  const int slice_rows = plan.parameters.slice_precinct_rows, rows = plan.geometry.precinct_rows;
  const bool carry = plan.options.rate_control == RateControl::picture;
  Coder coder(kernels, plan, image);
  coder.start(first * slice_rows);
  int64_t used = plan.share(first * slice_rows);
  for (int slice = first; slice < last; ++slice) {
    out = write_slice_header(slice, out);
    const int end = std::min((slice + 1) * slice_rows, rows);
    const int unit_end = carry ? rows : end;
    for (int row = slice * slice_rows; row < end; ++row) {
      const int64_t carried = (plan.share(row) - used) / (carry ? std::min(rows - row, kCarryRows) : 1);
      const int64_t bytes = coder.code(row, plan.share(row + 1) - plan.share(row) + carried);
      const int64_t left = plan.share(row + 1) - used - bytes;
      const int64_t padding = row + 1 == unit_end ? left : std::max<int64_t>(left - kMostCarried, 0);
      if (padding > 0) pad_precinct(plan, coder.data(), bytes, padding);
      std::memcpy(out, coder.data(), static_cast<std::size_t>(bytes));
      std::memset(out + bytes, 0, static_cast<std::size_t>(padding));
      out += bytes + padding;
      used += bytes + padding;
    }
  }
  return out;
}

}  // namespace

void encode(const Kernels& kernels, const Plan& plan, const ImageView& image, int threads, uint8_t* out) {
  uint8_t* const slices = write_header(plan.parameters, plan.geometry, out);
  const int count = plan.geometry.slices;
  const bool carry = plan.options.rate_control == RateControl::picture;
  // A chunk's transform begins above its first row, so chunks are as large as an even load allows.
  const int chunks = carry || threads == 1 ? 1 : std::min(count, kChunksPerThread * threads);
  parallel_for(chunks, threads, [&](int chunk) {
    const int first = count * chunk / chunks, last = count * (chunk + 1) / chunks;
    const int64_t offset = plan.share(first * plan.parameters.slice_precinct_rows) + int64_t{kSliceHeaderBytes} * first;
    code_slices(kernels, plan, image, first, last, slices + offset);
  });
  write_end(out + plan.parameters.length - kEndBytes);
}

int64_t strip_bytes(const Plan& plan, int first, int last) {
  const int rows = plan.parameters.slice_precinct_rows, total = plan.geometry.precinct_rows;
  const int64_t precincts = plan.share(std::min(last * rows, total)) - plan.share(first * rows);
  return header_bytes(plan.parameters, plan.geometry) + int64_t{kSliceHeaderBytes} * (last - first) + precincts + kEndBytes;
}

void encode_strip(const Kernels& kernels, const Plan& plan, const ImageView& image, int first, int last, uint8_t* out) {
  out = write_header(plan.parameters, plan.geometry, out);
  write_end(code_slices(kernels, plan, image, first, last, out));
}

std::vector<uint8_t> encode_lossless(const Kernels& kernels, const Plan& plan, const ImageView& image, int threads) {
  const int count = plan.geometry.slices, slice_rows = plan.parameters.slice_precinct_rows;
  const int chunks = threads == 1 ? 1 : std::min(count, kChunksPerThread * threads);
  std::vector<std::vector<uint8_t>> coded(static_cast<std::size_t>(chunks));
  parallel_for(chunks, threads, [&](int chunk) {
    const int first = count * chunk / chunks, last = count * (chunk + 1) / chunks;
    std::vector<uint8_t>& bytes = coded[static_cast<std::size_t>(chunk)];
    Coder coder(kernels, plan, image);
    coder.start(first * slice_rows);
    for (int row = first * slice_rows; row < std::min(last * slice_rows, plan.geometry.precinct_rows); ++row) {
      if (row % slice_rows == 0) {
        uint8_t header[kSliceHeaderBytes];
        write_slice_header(row / slice_rows, header);
        bytes.insert(bytes.end(), header, header + kSliceHeaderBytes);
      }
      const int64_t size = coder.code(row, -1);
      bytes.insert(bytes.end(), coder.data(), coder.data() + size);
    }
  });

  const std::size_t start = static_cast<std::size_t>(header_bytes(plan.parameters, plan.geometry));
  std::size_t total = start + kEndBytes;
  for (const auto& bytes : coded) total += bytes.size();
  std::vector<uint8_t> stream(total);
  Parameters parameters = plan.parameters;
  parameters.length = static_cast<uint32_t>(total);
  uint8_t* out = write_header(parameters, plan.geometry, stream.data());
  for (const auto& bytes : coded) {
    std::memcpy(out, bytes.data(), bytes.size());
    out += bytes.size();
  }
  write_end(out);
  return stream;
}

}  // namespace plcv::jpegxs::encoding
