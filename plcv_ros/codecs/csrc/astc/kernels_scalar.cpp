// SPDX-License-Identifier: Apache-2.0
// The portable target, one block after the other: the plain statement of the arithmetic that the vector kernels must reproduce bit for
// bit, and the reference of their tests. Written independently of them; what they share is the tables.
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "astc/fit_luma.h"
#include "astc/kernels.h"
#include "astc/weights.h"

namespace plcv::astc {
namespace {

struct Ends {
  int q[2][3];
  int e[2][3];
  bool swapped;
};

// A value in a range of a quint and four bits, and the 8 bits that it stands for.
struct Level {
  int bits, quint, value;
};

// Khronos Data Format, ASTC, endpoint unquantisation, the row of quint and four bits: A = aaaaaaaaa, B = dcb0000dc, C = 13.
int unquantised(int bits, int quint) {
  const int a = bits & 1, b = (bits >> 1) & 1, c = (bits >> 2) & 1, d = bits >> 3, all = a ? 0x1FF : 0;
  const int sum = (quint * 13 + (d << 8 | c << 7 | b << 6 | d << 1 | c)) ^ all;
  return (all & 0x80) | (sum >> 2);
}

struct Tables {
  Level level[80];      // the lowest first
  int packed[5][5][5];  // three quints -> the 7 bits that stand for them
  int quints[128][3];   // and back

  Tables() {
    for (int i = 0; i < 80; ++i) level[i] = {i % 16, i / 16, unquantised(i % 16, i / 16)};
    std::sort(level, level + 80, [](const Level& x, const Level& y) { return x.value < y.value; });
    // Khronos Data Format, ASTC, integer sequence encoding. Of several that stand for the same quints the smallest is written.
    for (int q = 127; q >= 0; --q) {
      int* t = quints[q];
      if (((q >> 1) & 3) == 3 && (q >> 5) == 0) {
        t[2] = (q & 1) << 2 | ((q >> 4) & ~q & 1) << 1 | ((q >> 3) & ~q & 1);
        t[1] = t[0] = 4;
      } else {
        const bool four = ((q >> 1) & 3) == 3;
        const int c = four ? ((q >> 3) & 3) << 3 | (~(q >> 5) & 3) << 1 | (q & 1) : q & 31;
        t[2] = four ? 4 : q >> 5;
        t[1] = (c & 7) == 5 ? 4 : c >> 3;
        t[0] = (c & 7) == 5 ? c >> 3 : c & 7;
      }
      packed[t[0]][t[1]][t[2]] = q;
    }
  }
};

const Tables& tables() {
  static const Tables kTables;
  return kTables;
}

int expand(int q, int levels) { return levels == 32 ? (q << 3) | (q >> 2) : tables().level[q].value; }

// The bits of six values behind the prefix.
uint64_t pack_values(const int (&q)[6], int levels) {
  uint64_t out = 0;
  if (levels == 32) {
    for (int i = 0; i < 6; ++i) out |= static_cast<uint64_t>(q[i]) << (5 * i);
    return out;
  }
  for (int k = 0; k < 2; ++k) {
    const Level* l[3];
    for (int i = 0; i < 3; ++i) l[i] = &tables().level[q[3 * k + i]];
    const int quints = tables().packed[l[0]->quint][l[1]->quint][l[2]->quint];
    const int bits = l[0]->bits | (quints & 7) << 4 | l[1]->bits << 7 | ((quints >> 3) & 3) << 11 | l[2]->bits << 13 | (quints >> 5) << 17;
    out |= static_cast<uint64_t>(bits) << (19 * k);
  }
  return out;
}

// The 8-bit values of the six that lie in `bits`.
void unpack_values(uint64_t bits, int levels, int (&out)[6]) {
  if (levels == 32) {
    for (int i = 0; i < 6; ++i) out[i] = expand(static_cast<int>(bits >> (5 * i)) & 31, 32);
    return;
  }
  for (int k = 0; k < 2; ++k) {
    const int three = static_cast<int>(bits >> (19 * k)) & 0x7FFFF;
    const int* quints = tables().quints[((three >> 4) & 7) | ((three >> 11) & 3) << 3 | ((three >> 17) & 3) << 5];
    const int at[3] = {0, 7, 13};
    for (int i = 0; i < 3; ++i) out[3 * k + i] = unquantised((three >> at[i]) & 15, quints[i]);
  }
}

int mulhi(int a, int b) { return (a * b) >> 16; }
int16_t wrap16(int x) { return static_cast<int16_t>(x); }
int nearest_even(float x) { return static_cast<int>(std::nearbyint(x)); }
int average(int a, int b) { return (a + b + 1) >> 1; }

Ends quantise(const float (&colour)[2][3], int levels) {
  Ends p;
  int sum[2] = {0, 0};
  for (int k = 0; k < 2; ++k) {
    for (int c = 0; c < 3; ++c) {
      p.q[k][c] = nearest_even(std::min(std::max(colour[k][c], 0.0f), 255.0f) * (static_cast<float>(levels - 1) / 255.0f));
      p.e[k][c] = expand(p.q[k][c], levels);
      sum[k] += p.e[k][c];
    }
  }
  p.swapped = sum[0] > sum[1];
  if (p.swapped) {
    std::swap(p.q[0], p.q[1]);
    std::swap(p.e[0], p.e[1]);
  }
  return p;
}

Ends line_at(const float* mean, const int* covariance, float inverse, float t0, float t1, int levels) {
  float colour[2][3];
  for (int c = 0; c < 3; ++c) {
    const float slope = static_cast<float>(covariance[c]) * inverse;
    const float a = slope * t0, b = slope * t1;
    colour[0][c] = mean[c] + a;
    colour[1][c] = mean[c] + b;
  }
  return quantise(colour, levels);
}

template <int kModeIndex>
struct Block {
  static constexpr BlockMode kMode = kBlockModes[kModeIndex];
  static constexpr int kX = kMode.block_x, kY = kMode.block_y, kColumns = kMode.grid_x, kRows = kMode.grid_y;

  int texel[kY][kX][3];
  int plane[kY][kX];          // luma, or projections
  int grid[kRows][kColumns];  // 64 times the plane on the grid
  int code[kRows][kColumns];  // as a byte; the code is its top two bits

  void load(const uint8_t* const* rows, int x0) {
    for (int y = 0; y < kY; ++y) {
      for (int x = 0; x < kX; ++x) {
        for (int c = 0; c < 3; ++c) texel[y][x][c] = rows[y][3 * (x0 + x) + c];
      }
    }
  }

  Ends fit_luma() {
    constexpr int kCount = kX * kY / 2;
    int half[kY / 2][kX][4], lowest = 255, highest = 0;
    for (int y = 0; y < kY; ++y) {
      for (int x = 0; x < kX; ++x) plane[y][x] = average(average(texel[y][x][0], texel[y][x][2]), texel[y][x][1]);
    }
    for (int y = 0; y < kY / 2; ++y) {
      for (int x = 0; x < kX; ++x) {
        for (int c = 0; c < 3; ++c) half[y][x][c] = average(texel[2 * y][x][c], texel[2 * y + 1][x][c]);
        half[y][x][3] = average(plane[2 * y][x], plane[2 * y + 1][x]);
        lowest = std::min(lowest, half[y][x][3]);
        highest = std::max(highest, half[y][x][3]);
      }
    }
    const int middle = (lowest + highest + 1) >> 1;
    int sum[4] = {}, product[3] = {};
    for (int y = 0; y < kY / 2; ++y) {
      for (int x = 0; x < kX; ++x) {
        const int f = std::clamp(half[y][x][3] - middle, -64, 63);
        for (int c = 0; c < 3; ++c) {
          sum[c] += half[y][x][c];
          product[c] += half[y][x][c] * f;
        }
        sum[3] += f;
      }
    }
    int covariance[3];
    float mean[3];
    for (int c = 0; c < 3; ++c) {
      covariance[c] = kCount * product[c] - sum[3] * sum[c];
      const float m = static_cast<float>(sum[c]) * (1.0f / kCount);
      mean[c] = m - kHalfBias;
    }
    const int variance4 = covariance[0] + 2 * covariance[1] + covariance[2];
    const float inverse = 4.0f / static_cast<float>(std::max(variance4, kCount * kCount));
    const float luma = static_cast<float>(sum[0] + 2 * sum[1] + sum[2]) * (0.25f / kCount);
    const float mean_luma = luma + (kHalfLumaBias - kHalfBias);
    const float inset = static_cast<float>(highest - lowest) * kInset;
    const float below = static_cast<float>(lowest) - mean_luma, above = static_cast<float>(highest) - mean_luma;
    return line_at(mean, covariance, inverse, below + inset, above - inset, kMode.colour_levels);
  }

  template <Filter kFilter>
  void filter() {
    static constexpr auto kDown = column_filter<kY, kRows, kFilter>();
    static constexpr auto kAcross = row_filter<kX, kColumns, kFilter>();
    for (int j = 0; j < kRows; ++j) {
      int row[kX];
      for (int x = 0; x < kX; ++x) {
        row[x] = 0;
        for (int y = 0; y < kY; ++y) row[x] += kDown.c[j][y] * plane[y][x];
      }
      if (kX == kColumns) {
        for (int i = 0; i < kColumns; ++i) grid[j][i] = row[i];
        continue;
      }
      for (int x = 0; x < kX; ++x) row[x] = std::clamp((row[x] + 32) >> 6, 0, 255);
      for (int i = 0; i < kColumns; ++i) {
        grid[j][i] = 0;
        for (int k = 0; k < kTaps; ++k) grid[j][i] += kAcross.c[i][k] * row[kAcross.first[i] + k];
      }
    }
  }

  void codes_from_luma(const Ends& ends) {
    const int l0 = ends.e[0][0] + 2 * ends.e[0][1] + ends.e[0][2], step = ends.e[1][0] + 2 * ends.e[1][1] + ends.e[1][2] - l0;
    const int size = std::max(std::abs(step), kLeastLumaStep), sign = step < 0 ? -1 : 1;
    const int normaliser = sign * nearest_even((4096.0f * kWeightUnit) / static_cast<float>(size));
    const int margin = sign * nearest_even(static_cast<float>(size) * (16.0f * 32.0f / kWeightUnit));
    const int base = 16 * l0 + static_cast<int>(kFilterOne * kLumaBias) - margin;
    for (int j = 0; j < kRows; ++j) {
      for (int i = 0; i < kColumns; ++i) code[j][i] = std::clamp(mulhi(wrap16(grid[j][i] - base), normaliser), 0, 255);
    }
  }

  void project(const Ends& ends, int unit, float offset) {
    int size = 0, axis[3], a[3], length = 0, base = 0;
    for (int c = 0; c < 3; ++c) {
      axis[c] = ends.e[1][c] - ends.e[0][c];
      size += std::abs(axis[c]);
    }
    const float scale = 104.0f / static_cast<float>(std::max(size, 1));
    for (int c = 0; c < 3; ++c) {
      a[c] = nearest_even(static_cast<float>(axis[c]) * scale);
      length += axis[c] * a[c];
      base += ends.e[0][c] * a[c];
    }
    const float l = static_cast<float>(std::max(length, 800));
    const int normaliser = nearest_even((65536.0f * static_cast<float>(unit)) / l);
    base -= nearest_even(l * (offset / static_cast<float>(unit)));
    for (int y = 0; y < kY; ++y) {
      for (int x = 0; x < kX; ++x) {
        const int v = texel[y][x][0] * a[0] + texel[y][x][1] * a[1] + texel[y][x][2] * a[2];
        plane[y][x] = std::clamp(mulhi(wrap16(v - base), normaliser), 0, 255);
      }
    }
  }

  void codes_from_projection() {
    for (int j = 0; j < kRows; ++j) {
      for (int i = 0; i < kColumns; ++i) code[j][i] = std::clamp(grid[j][i] >> 6, 0, 255);
    }
  }

  Ends refit() const {
    constexpr int kCount = kX * kY;
    int level[kRows][kX];
    for (int j = 0; j < kRows; ++j) {
      for (int x = 0; x < kX; ++x) {
        const int position = grid_position(x, kX, kColumns), i = position >> 4, f = position & 15;
        const int right = f == 0 ? 0 : kWeightLevels[code[j][i + 1] >> 6];
        level[j][x] = ((16 - f) * kWeightLevels[code[j][i] >> 6] + f * right + 8) >> 4;
      }
    }
    int sum[3] = {}, product[3] = {}, weights = 0, squares = 0;
    for (int y = 0; y < kY; ++y) {
      const int position = grid_position(y, kY, kRows), j = position >> 4, f = position & 15;
      for (int x = 0; x < kX; ++x) {
        const int w = f == 0 ? level[j][x] : ((16 - f) * level[j][x] + f * level[j + 1][x] + 8) >> 4;
        for (int c = 0; c < 3; ++c) {
          sum[c] += texel[y][x][c];
          product[c] += texel[y][x][c] * w;
        }
        weights += w;
        squares += w * w;
      }
    }
    int covariance[3];
    float mean[3];
    for (int c = 0; c < 3; ++c) {
      covariance[c] = kCount * product[c] - weights * sum[c];
      mean[c] = static_cast<float>(sum[c]) * (1.0f / kCount);
    }
    const float inverse = 1.0f / static_cast<float>(std::max(kCount * squares - weights * weights, 1));
    const float mean_weight = static_cast<float>(weights) * (1.0f / kCount);
    return line_at(mean, covariance, inverse, 0.0f - mean_weight, 64.0f - mean_weight, kMode.colour_levels);
  }

  Ends box() const {
    float colour[2][3];
    for (int c = 0; c < 3; ++c) {
      int lowest = 255, highest = 0;
      for (int y = 0; y < kY; ++y) {
        for (int x = 0; x < kX; ++x) {
          lowest = std::min(lowest, texel[y][x][c]);
          highest = std::max(highest, texel[y][x][c]);
        }
      }
      const int inset = (highest - lowest) >> 5;
      colour[0][c] = static_cast<float>(lowest + inset);
      colour[1][c] = static_cast<float>(highest - inset);
    }
    return quantise(colour, kMode.colour_levels);
  }

  Ends encode(Preset preset) {
    if (preset == Preset::paper) {
      const Ends ends = box();
      project(ends, 255, 0.5f);
      filter<Filter::triangle>();
      codes_from_projection();
      return ends;
    }
    const Ends start = fit_luma();
    filter<Filter::least_squares>();
    codes_from_luma(start);
    if (preset == Preset::fast) return start;
    project(refit(), kWeightUnit, 32.5f);
    filter<Filter::least_squares>();
    codes_from_projection();
    const Ends ends = refit();
    if (ends.swapped) {
      for (auto& row : code) {
        for (int& c : row) c ^= 0xC0;
      }
    }
    return ends;
  }

  void write(const Ends& ends, bool bgr, uint8_t* out) const {
    int q[6];
    for (int i = 0; i < 6; ++i) q[i] = ends.q[i % 2][bgr ? 2 - i / 2 : i / 2];
    const uint64_t head = kMode.prefix | pack_values(q, kMode.colour_levels) << 17;
    for (int i = 0; i < 8; ++i) out[i] = static_cast<uint8_t>(head >> (8 * i));
    for (int i = 8; i < kBlockBytes; ++i) out[i] = 0;
    for (int n = 0; n < kColumns * kRows; ++n) {
      const int value = code[n / kColumns][n % kColumns] >> 6, low = 127 - 2 * n, high = 126 - 2 * n;
      out[low >> 3] = static_cast<uint8_t>(out[low >> 3] | ((value & 1) << (low & 7)));
      out[high >> 3] = static_cast<uint8_t>(out[high >> 3] | ((value >> 1) << (high & 7)));
    }
  }
};

template <int kModeIndex, Preset kPreset>
void encode_blocks(const uint8_t* const* rows, const uint8_t* const* /*ahead*/, int count, bool bgr, uint8_t* out) {
  Block<kModeIndex> block;
  for (int i = 0; i < count; ++i) {
    block.load(rows, i * kBlockModes[kModeIndex].block_x);
    const Ends ends = block.encode(kPreset);
    block.write(ends, bgr, out + i * kBlockBytes);
  }
}

template <int kModeIndex>
bool decode_block(const uint8_t* block, uint8_t* const* rows, int x0) {
  constexpr BlockMode kMode = kBlockModes[kModeIndex];
  constexpr int columns = kMode.grid_x;
  uint64_t head = 0;
  for (int i = 7; i >= 0; --i) head = (head << 8) | block[i];
  if ((head & kPrefixMask) != kMode.prefix) return false;
  int values[6], e[2][3];
  unpack_values(head >> 17, kMode.colour_levels, values);
  for (int i = 0; i < 6; ++i) e[i % 2][i / 2] = values[i];
  if (e[1][0] + e[1][1] + e[1][2] < e[0][0] + e[0][1] + e[0][2]) {
    std::swap(e[0], e[1]);
    for (auto& end : e) {
      end[0] = (end[0] + end[2]) >> 1;
      end[1] = (end[1] + end[2]) >> 1;
    }
  }
  int grid[(kMode.grid_y + 1) * (columns + 1) + 1] = {};  // a column and a row more: neighbours outside count with share 0
  for (int i = 0; i < columns * kMode.grid_y; ++i) {
    const int low = 127 - 2 * i, high = 126 - 2 * i;
    const int code = ((block[low >> 3] >> (low & 7)) & 1) | (((block[high >> 3] >> (high & 7)) & 1) << 1);
    grid[(i / columns) * (columns + 1) + i % columns] = kWeightLevels[code];
  }
  for (int t = 0; t < kMode.block_y; ++t) {
    const int gt = grid_position(t, kMode.block_y, kMode.grid_y), jt = gt >> 4, ft = gt & 15;
    for (int s = 0; s < kMode.block_x; ++s) {
      const int gs = grid_position(s, kMode.block_x, kMode.grid_x), js = gs >> 4, fs = gs & 15;
      const int w11 = (fs * ft + 8) >> 4, w10 = ft - w11, w01 = fs - w11, w00 = 16 - fs - ft + w11;
      const int *p = grid + jt * (columns + 1) + js, *below = p + columns + 1;
      const int w = (p[0] * w00 + p[1] * w01 + below[0] * w10 + below[1] * w11 + 8) >> 4;
      for (int c = 0; c < 3; ++c) rows[t][3 * (x0 + s) + c] = static_cast<uint8_t>((e[0][c] * (64 - w) + e[1][c] * w + 32) >> 6);
    }
  }
  return true;
}

template <int kModeIndex>
bool decode_blocks(const uint8_t* blocks, int count, uint8_t* const* rows) {
  bool pruned = true;
  for (int i = 0; i < count; ++i) pruned = decode_block<kModeIndex>(blocks + i * kBlockBytes, rows, i * kBlockModes[kModeIndex].block_x) && pruned;
  return pruned;
}

void repack_pixels(const uint8_t* pixels, const uint8_t* /*ahead*/, int bytes, int count, uint8_t* out) {
  for (int i = 0; i < count; ++i) {
    for (int c = 0; c < 3; ++c) out[3 * i + c] = pixels[bytes * i + (bytes == 1 ? 0 : c)];
  }
}

template <int kModeIndex>
constexpr ModeKernels mode_kernels() {
  if constexpr (kBlockModes[kModeIndex].has_paper()) {
    return {{&encode_blocks<kModeIndex, Preset::fast>, &encode_blocks<kModeIndex, Preset::fine>, &encode_blocks<kModeIndex, Preset::paper>},
            &decode_blocks<kModeIndex>};
  } else {
    return {{&encode_blocks<kModeIndex, Preset::fast>, &encode_blocks<kModeIndex, Preset::fine>, nullptr}, &decode_blocks<kModeIndex>};
  }
}

template <int... kModeIndices>
constexpr Kernels kernels_of(IndexList<kModeIndices...>) {
  return {1, &repack_pixels, {mode_kernels<kModeIndices>()...}};
}

}  // namespace

const Kernels& kernels_scalar() {
  static constexpr Kernels kTable = kernels_of(ModeIndices{});
  return kTable;
}

}  // namespace plcv::astc
