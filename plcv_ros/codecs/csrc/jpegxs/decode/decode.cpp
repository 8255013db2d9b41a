// SPDX-License-Identifier: Apache-2.0
#include "jpegxs/decode/decode.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <vector>

#include "jpegxs/decode/precinct.h"
#include "jpegxs/decode/scratch.h"
#include "jpegxs/decode/synthesis.h"
#include "worker_pool.h"

namespace plcv::jpegxs::decoding {
namespace {

// The lines of a precinct row depend on the coefficients of the rows above and below. Threads work on chunks of whole slices; the two
// precinct rows on each side of a seam between chunks are kept, and who finishes last of the two makes the lines on both sides of it.
constexpr int kKeptRows = 2;
constexpr int kLeastRows = 2 * kKeptRows;

struct Chunk {
  int first, last;  // precinct rows
  Scratch<int16_t> top[kKeptRows], bottom[kKeptRows];
  std::string error;
};

// The transform and what comes behind it, for a run of precinct rows.
class Rows {
 public:
  Rows(const Kernels& kernels, const Codestream& codestream, const CoefficientLayout& layout, const Destination& destination, int first_row)
      : parameters_(codestream.parameters), writer_(kernels, codestream, destination) {
    for (int c = 0; c < parameters_.components; ++c) {
      synthesis_.emplace_back(kernels, codestream, layout, c);
      synthesis_.back().start(first_row);
    }
  }

  // Lines of the picture from `first` to `last` are written, as soon as they are complete; others are not.
  void write_lines(int first, int last) {
    next_ = first;
    last_ = std::min(last, parameters_.height);
  }

  // The coefficients of the next precinct row; they must stay until the one after it has come.
  void push(const int16_t* coefficients) {
    for (Synthesis& s : synthesis_) s.push(coefficients, before_);
    before_ = coefficients;
    for (; next_ < last_ && complete(next_); ++next_) {
      const int32_t* lines[kMaxComponents];
      for (int c = 0; c < parameters_.components; ++c) lines[c] = synthesis_[static_cast<std::size_t>(c)].line(next_ / parameters_.component[c].sy);
      writer_.write(next_, lines);
    }
  }

 private:
  bool complete(int y) const {
    for (int c = 0; c < parameters_.components; ++c) {
      if (y / parameters_.component[c].sy >= synthesis_[static_cast<std::size_t>(c)].complete()) return false;
    }
    return true;
  }

  const Parameters& parameters_;
  std::vector<Synthesis> synthesis_;
  LineWriter writer_;
  const int16_t* before_ = nullptr;
  int next_ = 0, last_ = 0;
};

class Decoder {
 public:
  Decoder(const Kernels& kernels, const Codestream& codestream, const Destination& destination, std::vector<std::size_t> starts, int threads)
      : kernels_(kernels), codestream_(codestream), destination_(destination), starts_(std::move(starts)), layout_(codestream.geometry) {
    const int rows_of_slice = codestream_.parameters.slice_precinct_rows, slices = codestream_.geometry.slices;
    const int least = (kLeastRows + rows_of_slice - 1) / rows_of_slice;  // slices
    const int chunks = threads == 1 ? 1 : std::clamp(slices / least, 1, threads);
    for (int i = 0; i < chunks; ++i) {
      const auto row_at = [&](int chunk) {
        return static_cast<int>(std::min<int64_t>(int64_t{slices} * chunk / chunks * rows_of_slice, codestream_.geometry.precinct_rows));
      };
      Chunk chunk;
      chunk.first = row_at(i);
      chunk.last = row_at(i + 1);
      // The last slice may be short: it then belongs to the chunk before it.
      if (i > 0 && chunk.last - chunk.first < kLeastRows) {
        chunks_.back().last = chunk.last;
      } else {
        chunks_.push_back(std::move(chunk));
      }
    }
    for (std::size_t i = 0; i < chunks_.size(); ++i) {
      for (int k = 0; k < kKeptRows; ++k) {
        if (i > 0) chunks_[i].top[k] = Scratch<int16_t>(layout_.size);
        if (i + 1 < chunks_.size()) chunks_[i].bottom[k] = Scratch<int16_t>(layout_.size);
      }
    }
    finished_sides_ = std::make_unique<std::atomic<int>[]>(chunks_.size());
  }

  std::string run(int threads) {
    const int count = static_cast<int>(chunks_.size());
    parallel_for(count, threads, [&](int i) {
      decode_chunk(i);
      if (i > 0 && finished_sides_[static_cast<std::size_t>(i - 1)].fetch_add(1, std::memory_order_acq_rel) == 1) finish_seam(i);
      if (i + 1 < count && finished_sides_[static_cast<std::size_t>(i)].fetch_add(1, std::memory_order_acq_rel) == 1) finish_seam(i + 1);
    });
    for (const Chunk& chunk : chunks_) {
      if (!chunk.error.empty()) return chunk.error;
    }
    return {};
  }

 private:
  void decode_chunk(int index) {
    const Parameters& p = codestream_.parameters;
    const Geometry& g = codestream_.geometry;
    Chunk& chunk = chunks_[static_cast<std::size_t>(index)];
    const bool first_chunk = index == 0, last_chunk = index + 1 == static_cast<int>(chunks_.size());
    PrecinctDecoder precincts(kernels_, codestream_, layout_);
    Rows rows(kernels_, codestream_, layout_, destination_, chunk.first);
    rows.write_lines(first_chunk ? 0 : (chunk.first + 1) * g.precinct_lines, last_chunk ? p.height : (chunk.last - 1) * g.precinct_lines);
    const Scratch<int16_t> buffer[2] = {Scratch<int16_t>(layout_.size), Scratch<int16_t>(layout_.size)};
    std::size_t at = 0;
    for (int row = chunk.first; row < chunk.last; ++row) {
      const bool first_of_slice = row % p.slice_precinct_rows == 0;
      if (first_of_slice) at = starts_[static_cast<std::size_t>(row / p.slice_precinct_rows)];
      const Scratch<int16_t>* coefficients = &buffer[row & 1];
      if (!first_chunk && row < chunk.first + kKeptRows) coefficients = &chunk.top[row - chunk.first];
      if (!last_chunk && row >= chunk.last - kKeptRows) coefficients = &chunk.bottom[row - (chunk.last - kKeptRows)];
      if (starts_[static_cast<std::size_t>(row / p.slice_precinct_rows)] == kMissingSlice) {
        std::fill_n(coefficients->data(), coefficients->size(), int16_t{0});
        rows.push(coefficients->data());
        continue;
      }
      for (int column = 0; column < g.precinct_columns; ++column) {
        const std::size_t header_bytes = static_cast<std::size_t>(g.precinct_header_bytes());
        // Checked by find_slices, and again: another thread of the caller's may write into the payload meanwhile.
        const std::size_t payload = at + header_bytes <= codestream_.size ? precinct_bytes(codestream_.data + at) : codestream_.size;
        if (payload > kMaxPrecinctBytes || at + header_bytes + payload > codestream_.size) {
          chunk.error = "payload has changed while it was decoded";
          return;
        }
        chunk.error = precincts.decode(at, payload, row, column, first_of_slice, coefficients->data());
        if (!chunk.error.empty()) return;
        at += header_bytes + payload;
      }
      rows.push(coefficients->data());
    }
  }

  // The lines of the last precinct row of a chunk, and of the first one of chunk `index`, which follows.
  void finish_seam(int index) {
    const Chunk &above = chunks_[static_cast<std::size_t>(index - 1)], &below = chunks_[static_cast<std::size_t>(index)];
    if (!above.error.empty() || !below.error.empty()) return;
    const int lines = codestream_.geometry.precinct_lines;
    Rows rows(kernels_, codestream_, layout_, destination_, above.last - kKeptRows);
    rows.write_lines((above.last - 1) * lines, (below.first + 1) * lines);
    for (const auto& row : above.bottom) rows.push(row.data());
    for (const auto& row : below.top) rows.push(row.data());
  }

  const Kernels& kernels_;
  const Codestream& codestream_;
  const Destination& destination_;
  const std::vector<std::size_t> starts_;
  const CoefficientLayout layout_;
  std::vector<Chunk> chunks_;
  std::unique_ptr<std::atomic<int>[]> finished_sides_;  // of the seam below each chunk
};

}  // namespace

std::string decode(const Kernels& kernels, Codestream codestream, const Destination& destination, int threads) {
  std::vector<std::size_t> starts;
  const std::string error = find_slices(&codestream, &starts);
  if (!error.empty()) return error;
  return Decoder(kernels, codestream, destination, std::move(starts), threads).run(threads);
}

}  // namespace plcv::jpegxs::decoding
