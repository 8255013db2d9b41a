// SPDX-License-Identifier: Apache-2.0
// Kernels for AVX-512 with VBMI, VBMI2, GFNI and VNNI (Ice Lake, Zen 4 and later). What each function does: kernels_scalar.cpp.
#include <immintrin.h>

#include "jpegxs/encode/branchless_bits.h"
#include "jpegxs/encode/kernels.h"
#include "jpegxs/encode/tables.h"
#include "simd/vec_avx512.h"

namespace plcv::jpegxs::encoding {
namespace {

using V = __m512i;

V load64(const void* p) { return _mm512_loadu_si512(p); }
void store64(void* p, V v) { _mm512_storeu_si512(p, v); }
V bytes(int value) { return _mm512_set1_epi8(static_cast<char>(value)); }
V words(int value) { return _mm512_set1_epi16(static_cast<short>(value)); }

// ---- Pixels to samples

// 64 samples of a component, as bytes in order: even ones in the low halves of words.
struct Samples {
  V even, odd;
  explicit Samples(V in_order) : even(_mm512_and_si512(in_order, words(255))), odd(_mm512_srli_epi16(in_order, 8)) {}
};

V centred(V samples, __m128i shift) { return _mm512_sll_epi16(_mm512_sub_epi16(samples, words(128)), shift); }
V luma(V r, V g, V b, __m128i shift) {
  // (r + 2 g + b) >> 2 of centred samples that are shifted left by 4, or not at all: the sum's bits are kept apart from the shift.
  const V sum = _mm512_sub_epi16(_mm512_add_epi16(_mm512_add_epi16(r, b), _mm512_add_epi16(g, g)), words(512));
  return _mm512_srai_epi16(_mm512_sll_epi16(sum, shift), 2);
}

struct Pixels {
  V r, g, b;
};

// 64 pixels of three or four bytes.
Pixels load_pixels(const uint8_t* p, int bytes_per_pixel) {
  Pixels pixels;
  if (bytes_per_pixel == 3) {
    simd::Avx512::load_rgb<8>(p, pixels.r, pixels.g, pixels.b);
    return pixels;
  }
  // Every fourth byte of 128, for each colour.
  alignas(64) static constexpr struct Order {
    uint8_t at[3][64];
    constexpr Order() : at{} {
      for (int c = 0; c < 3; ++c) {
        for (int i = 0; i < 64; ++i) at[c][i] = static_cast<uint8_t>((4 * i + c) % 128);
      }
    }
  } kOrder;
  const V v0 = load64(p), v1 = load64(p + 64), v2 = load64(p + 128), v3 = load64(p + 192);
  V* const colours[] = {&pixels.r, &pixels.g, &pixels.b};
  for (int c = 0; c < 3; ++c) {
    const V order = load64(kOrder.at[c]);
    *colours[c] = _mm512_mask_blend_epi8(0xFFFFFFFF00000000, _mm512_permutex2var_epi8(v0, order, v1), _mm512_permutex2var_epi8(v2, order, v3));
  }
  return pixels;
}

void store_split(const SplitLine& line, int x, V even, V odd) {
  store64(line.even + x / 2, even);
  store64(line.odd + x / 2, odd);
}

void load_colours(const uint8_t* p, const Loading& loading, int x, const SplitLine* lines) {
  const __m128i shift = _mm_cvtsi32_si128(loading.shift);
  const bool bgr = loading.format == PixelFormat::bgr8 || loading.format == PixelFormat::bgra8;
  const Pixels pixels = load_pixels(p, bytes_per_pixel(loading.format));
  const Samples r(bgr ? pixels.b : pixels.r), g(pixels.g), b(bgr ? pixels.r : pixels.b);
  if (loading.colour_transform) {
    store_split(lines[0], x, luma(r.even, g.even, b.even, shift), luma(r.odd, g.odd, b.odd, shift));
    store_split(lines[1], x, _mm512_sll_epi16(_mm512_sub_epi16(b.even, g.even), shift), _mm512_sll_epi16(_mm512_sub_epi16(b.odd, g.odd), shift));
    store_split(lines[2], x, _mm512_sll_epi16(_mm512_sub_epi16(r.even, g.even), shift), _mm512_sll_epi16(_mm512_sub_epi16(r.odd, g.odd), shift));
  } else {
    store_split(lines[0], x, centred(r.even, shift), centred(r.odd, shift));
    store_split(lines[1], x, centred(g.even, shift), centred(g.odd, shift));
    store_split(lines[2], x, centred(b.even, shift), centred(b.odd, shift));
  }
}

// 128 pixels of two bytes.
void load_422(const uint8_t* p, const Loading& loading, int x, const SplitLine* lines) {
  alignas(64) static constexpr struct Order {
    uint8_t at[3][64];
    constexpr Order(int luma) : at{} {
      for (int i = 0; i < 64; ++i) {
        at[0][i] = static_cast<uint8_t>(2 * i + luma);
        at[1][i] = static_cast<uint8_t>((4 * i + 1 - luma) % 128);
        at[2][i] = static_cast<uint8_t>((4 * i + 3 - luma) % 128);
      }
    }
  } kOrders[2] = {Order(0), Order(1)};
  const Order& order = kOrders[loading.format == PixelFormat::uyvy8 ? 1 : 0];
  const __m128i shift = _mm_cvtsi32_si128(loading.shift);
  const V v0 = load64(p), v1 = load64(p + 64), v2 = load64(p + 128), v3 = load64(p + 192);
  const Samples y0(_mm512_permutex2var_epi8(v0, load64(order.at[0]), v1)), y1(_mm512_permutex2var_epi8(v2, load64(order.at[0]), v3));
  store_split(lines[0], x, centred(y0.even, shift), centred(y0.odd, shift));
  store_split(lines[0], x + 64, centred(y1.even, shift), centred(y1.odd, shift));
  for (int c = 1; c < 3; ++c) {
    const V at = load64(order.at[c]);
    const Samples s(_mm512_mask_blend_epi8(0xFFFFFFFF00000000, _mm512_permutex2var_epi8(v0, at, v1), _mm512_permutex2var_epi8(v2, at, v3)));
    store_split(lines[c], x / 2, centred(s.even, shift), centred(s.odd, shift));
  }
}

void load_grey(const uint8_t* p, const Loading& loading, int x, const SplitLine* lines) {
  const __m128i shift = _mm_cvtsi32_si128(loading.shift);
  const Samples s(load64(p));
  store_split(lines[0], x, centred(s.even, shift), centred(s.odd, shift));
}

void load(const uint8_t* pixels, const Loading& loading, int width, const SplitLine* lines) {
  const int bytes = bytes_per_pixel(loading.format), step = bytes == 2 ? 128 : 64;
  const auto run = bytes == 1 ? &load_grey : (bytes == 2 ? &load_422 : &load_colours);
  int x = 0;
  for (; x + step <= width; x += step) {
    const uint8_t* p = pixels + bytes * x;
    for (int i = 0; i < bytes * step; i += 64) __builtin_prefetch(p + loading.ahead + i, 0, 2);
    run(p, loading, x, lines);
  }
  if (x == width) return;
  alignas(64) uint8_t rest[256];
  __builtin_memcpy(rest, pixels + bytes * x, static_cast<unsigned>(bytes * (width - x)));
  run(rest, loading, x, lines);
}

// ---- Lifting

void predict(const int16_t* a, const int16_t* middle, const int16_t* b, int n, int16_t* out) {
  for (int i = 0; i < n; i += 32) {
    const V sum = _mm512_adds_epi16(load64(a + i), load64(b + i));
    store64(out + i, _mm512_subs_epi16(load64(middle + i), _mm512_srai_epi16(sum, 1)));
  }
}

void update(const int16_t* middle, const int16_t* a, const int16_t* b, int n, int16_t* out) {
  for (int i = 0; i < n; i += 32) {
    const V sum = _mm512_adds_epi16(_mm512_adds_epi16(load64(a + i), load64(b + i)), words(2));
    store64(out + i, _mm512_adds_epi16(load64(middle + i), _mm512_srai_epi16(sum, 2)));
  }
}

void lift(const int16_t* top, const int16_t* middle, const int16_t* bottom, const int16_t* high_above, int n, int16_t* high, int16_t* low) {
  for (int i = 0; i < n; i += 32) {
    const V above = load64(top + i);
    const V detail = _mm512_subs_epi16(load64(middle + i), _mm512_srai_epi16(_mm512_adds_epi16(above, load64(bottom + i)), 1));
    const V sum = _mm512_adds_epi16(_mm512_adds_epi16(load64(high_above + i), detail), words(2));
    store64(high + i, detail);
    store64(low + i, _mm512_adds_epi16(above, _mm512_srai_epi16(sum, 2)));
  }
}

struct SplitOrder {
  uint16_t even[32], odd[32];
  constexpr SplitOrder() : even{}, odd{} {
    for (int i = 0; i < 32; ++i) {
      even[i] = static_cast<uint16_t>(2 * i);
      odd[i] = static_cast<uint16_t>(2 * i + 1);
    }
  }
};

void split(const int16_t* in, int n, SplitLine out) {
  alignas(64) static constexpr SplitOrder kOrder;
  const V even = load64(kOrder.even), odd = load64(kOrder.odd);
  for (int i = 0; i < n; i += 64) {
    const V a = load64(in + i), b = load64(in + i + 32);
    store64(out.even + i / 2, _mm512_permutex2var_epi16(a, even, b));
    store64(out.odd + i / 2, _mm512_permutex2var_epi16(a, odd, b));
  }
}

// ---- Bit-plane counts

// The groups' ORs of four vectors of magnitudes, one word a group: in each 64 bits, those of the first, third, second and fourth vector.
V group_bits(const int16_t* c) {
  const auto magnitude = [c](int vector) { return _mm512_abs_epi16(load64(c + 32 * vector)); };
  const auto halves = [&](int vector) {
    const V a = magnitude(vector), b = magnitude(vector + 1);
    return _mm512_mask_or_epi32(_mm512_or_si512(a, _mm512_srli_epi64(a, 32)), 0xAAAA, b, _mm512_slli_epi64(b, 32));
  };
  const V a = halves(0), b = halves(2);
  return _mm512_mask_blend_epi16(0xAAAAAAAA, _mm512_or_si512(a, _mm512_srli_epi32(a, 16)), _mm512_or_si512(b, _mm512_slli_epi32(b, 16)));
}

struct PlaneTables {
  uint8_t low[128], high[128];  // bit lengths of a low byte below 128 and of a high one; of nothing in a high byte, 0
  uint8_t order[64];            // where the count of group i is
  constexpr PlaneTables() : low{}, high{}, order{} {
    for (int i = 0; i < 128; ++i) {
      int length = 0;
      while (i >> length != 0) ++length;
      low[i] = static_cast<uint8_t>(length);
      high[i] = static_cast<uint8_t>(length == 0 ? 0 : length + 8);
    }
    for (int i = 0; i < 64; ++i) {
      // Group i comes from vector i / 8, at 64 bits i % 8; four vectors make the low bytes of a word, the next four the high ones.
      const int vector = i / 8, word = 4 * (i % 8) + (vector % 2) * 2 + vector / 2 % 2;
      order[i] = static_cast<uint8_t>(2 * word + vector / 4);
    }
  }
};

void count_planes(int16_t* coefficients, int groups, uint8_t* planes, uint8_t* maxima) {
  alignas(64) static constexpr PlaneTables kTables;
  constexpr int kLimit = (1 << 14) - 1;
  for (int g = 0; g < groups; g += 64) {
    int16_t* c = coefficients + 4 * g;
    V a = group_bits(c), b = group_bits(c + 128);
    if (__builtin_expect(_mm512_test_epi16_mask(_mm512_or_si512(a, b), words(~kLimit)) != 0, 0)) {
      for (int i = 0; i < 256; i += 32) {
        store64(c + i, _mm512_max_epi16(_mm512_min_epi16(load64(c + i), words(kLimit)), words(-kLimit)));
      }
      a = group_bits(c);
      b = group_bits(c + 128);
    }
    const V low = _mm512_mask_blend_epi8(0xAAAAAAAAAAAAAAAA, a, _mm512_slli_epi16(b, 8));
    const V high = _mm512_mask_blend_epi8(0xAAAAAAAAAAAAAAAA, _mm512_srli_epi16(a, 8), b);
    const V of_low =
        _mm512_mask_mov_epi8(_mm512_permutex2var_epi8(load64(kTables.low), low, load64(kTables.low + 64)), _mm512_movepi8_mask(low), bytes(8));
    const V of_high = _mm512_permutex2var_epi8(load64(kTables.high), high, load64(kTables.high + 64));
    const V counts = _mm512_permutexvar_epi8(load64(kTables.order), _mm512_max_epu8(of_low, of_high));
    store64(planes + g, counts);
    V most = _mm512_max_epu8(counts, _mm512_srli_epi64(counts, 32));
    most = _mm512_max_epu8(most, _mm512_srli_epi64(most, 16));
    most = _mm512_max_epu8(most, _mm512_srli_epi64(most, 8));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(maxima + g / 8), _mm512_cvtepi64_epi8(most));
  }
}

// ---- Costs

__m128i load8(const uint8_t* p) { return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)); }

// The significance groups of 64 code groups that have a maximum above T.
__mmask8 significant(const BandLine& line, int g) {
  return static_cast<__mmask8>(_mm_cmpgt_epu8_mask(load8(line.maxima + g / 8), _mm_set1_epi8(static_cast<char>(line.truncation))));
}

// Groups that the last significance group lacks.
int missing_groups(const BandLine& line) { return -line.groups & 7; }
bool last_is_significant(const BandLine& line) { return line.maxima[(line.groups - 1) / 8] > line.truncation; }

LineSums line_sums(const BandLine& line) {
  const V t = bytes(line.truncation);
  V planes = _mm512_setzero_si512();
  LineSums sums{};
  for (int g = 0; g < line.groups; g += 64) {
    const V above = _mm512_subs_epu8(load64(line.planes + g), t);
    planes = _mm512_add_epi64(planes, _mm512_sad_epu8(above, _mm512_setzero_si512()));
    sums.groups += __builtin_popcountll(_mm512_test_epi8_mask(above, above));
    sums.coded += 8 * __builtin_popcount(significant(line, g));
  }
  sums.planes = static_cast<int>(_mm512_reduce_add_epi64(planes));
  if (last_is_significant(line)) sums.coded -= missing_groups(line);
  return sums;
}

// Values of the unary codes of 64 groups with vertical prediction.
V predicted_codes(const BandLine& line, int g) {
  const V t = bytes(line.truncation), least = bytes(line.truncation > line.truncation_above ? line.truncation : line.truncation_above);
  const V prediction = _mm512_max_epu8(load64(line.above + g), least), count = _mm512_max_epu8(load64(line.planes + g), t);
  const V up = _mm512_sub_epi8(count, prediction), down = _mm512_sub_epi8(prediction, count);
  const V code = _mm512_add_epi8(up, _mm512_min_epi8(up, _mm512_sub_epi8(prediction, t)));
  return _mm512_mask_sub_epi8(code, _mm512_cmplt_epu8_mask(count, prediction), _mm512_add_epi8(down, down), bytes(1));
}

PredictedSums predicted_sums(const BandLine& line) {
  V all = _mm512_setzero_si512(), coded = _mm512_setzero_si512();
  int significance_groups = 0;
  for (int g = 0; g < line.groups; g += 64) {
    const V codes = _mm512_sad_epu8(predicted_codes(line, g), _mm512_setzero_si512());
    const __mmask8 mask = significant(line, g);
    all = _mm512_add_epi64(all, codes);
    coded = _mm512_mask_add_epi64(coded, mask, coded, codes);
    significance_groups += __builtin_popcount(mask);
  }
  // Behind the last group there are counts of zero; each was taken for a code.
  const int over = line.truncation_above - line.truncation, code = over > 0 ? 2 * over - 1 : 0, behind = -line.groups & 63;
  PredictedSums sums{};
  sums.all = static_cast<int>(_mm512_reduce_add_epi64(all)) - behind * code + line.groups;
  sums.coded = static_cast<int>(_mm512_reduce_add_epi64(coded)) + 8 * significance_groups;
  if (last_is_significant(line)) sums.coded -= missing_groups(line) * (code + 1);
  return sums;
}

// The counts M of the groups of two vectors of coefficients, 8 groups each, one word a coefficient.
struct CoefficientPlanes {
  V first, second;
  explicit CoefficientPlanes(const uint8_t* planes) {
    alignas(64) static constexpr struct Order {
      uint8_t at[2][64];
      constexpr Order() : at{} {
        for (int v = 0; v < 2; ++v) {
          for (int i = 0; i < 64; ++i) at[v][i] = static_cast<uint8_t>(i % 2 == 0 ? 8 * v + i / 8 : 0x80);
        }
      }
    } kOrder;
    const V all = _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(planes)));
    first = _mm512_shuffle_epi8(all, load64(kOrder.at[0]));
    second = _mm512_shuffle_epi8(all, load64(kOrder.at[1]));
  }
};

V load_table(const QuantizerTables::Row& row) { return _mm512_castsi256_si512(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(row.at))); }

int count_nonzero(const BandLine& line, bool uniform) {
  const V thresholds = load_table(uniform ? kQuantizerTables.threshold[line.truncation] : kQuantizerTables.deadzone_threshold[line.truncation]);
  const V t = bytes(line.truncation);
  int count = 0;
  for (int g = 0; g < line.groups; g += 64) {
    const uint64_t coded = _mm512_cmpgt_epu8_mask(load64(line.planes + g), t);
    for (int part = 0; part < 64; part += 16) {
      if ((coded >> part & 0xFFFF) == 0) continue;
      const CoefficientPlanes planes(line.planes + g + part);
      const int16_t* c = line.coefficients + 4 * (g + part);
      const __mmask32 first = _mm512_cmpge_epu16_mask(_mm512_abs_epi16(load64(c)), _mm512_permutexvar_epi16(planes.first, thresholds));
      const __mmask32 second = _mm512_cmpge_epu16_mask(_mm512_abs_epi16(load64(c + 32)), _mm512_permutexvar_epi16(planes.second, thresholds));
      count += __builtin_popcountll(_mm512_kunpackd(second, first));
    }
  }
  return count;
}

// ---- Sub-packets
uint8_t* reverse_bits(uint8_t* first, uint8_t* last) {
  const V matrix = _mm512_set1_epi64(static_cast<long long>(0x8040201008040201ull));
  for (uint8_t* p = first; p < last; p += 64) store64(p, _mm512_gf2p8affine_epi64_epi8(load64(p), matrix, 0));
  return last;
}

uint8_t* pack_flags(const BandLine* lines, int count, uint8_t* out) {
  LowBitsFirst writer(out);
  for (const BandLine* line = lines; line < lines + count; ++line) {
    if ((line->mode & kSignificance) == 0) continue;
    const int flags = (line->groups + 7) / 8;
    for (int i = 0; i < flags; i += 32) {
      const int n = flags - i < 32 ? flags - i : 32;
      const __m256i maxima = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(line->maxima + i));
      const uint32_t mask = _mm256_cmple_epu8_mask(maxima, _mm256_set1_epi8(static_cast<char>(line->truncation)));
      writer.put(mask & (0xFFFFFFFFu >> (32 - n)), n);
    }
  }
  return reverse_bits(out, writer.finish());
}

uint8_t* pack_counts(const BandLine* lines, int count, uint8_t* out) {
  constexpr int kLongest = 7;  // the largest value whose code fits into a byte
  alignas(16) static constexpr uint8_t kCodes[16] = {0x01, 0x03, 0x07, 0x0F, 0x1F, 0x3F, 0x7F, 0xFF};
  const V code_of = _mm512_broadcast_i32x4(_mm_load_si128(reinterpret_cast<const __m128i*>(kCodes)));
  LowBitsFirst writer(out);
  for (const BandLine* line = lines; line < lines + count; ++line) {
    for (int g = 0; g < line->groups; g += 64) {
      const V values =
          (line->mode & kPrediction) != 0 ? predicted_codes(*line, g) : _mm512_subs_epu8(load64(line->planes + g), bytes(line->truncation));
      const int n = line->groups - g < 64 ? line->groups - g : 64;
      const uint64_t present = ~uint64_t{0} >> (64 - n), wide = _mm512_cmpgt_epu8_mask(values, bytes(kLongest)) & present;
      // One byte a group: as many ones as its code has bits; the code is all of these but the last.
      alignas(64) uint64_t codes[8];
      store64(codes, _mm512_maskz_shuffle_epi8(present, code_of, values));
      uint32_t groups = (line->mode & kSignificance) != 0 ? significant(*line, g) : 0xFF;
      groups &= (1u << ((n + 7) / 8)) - 1;
      if (__builtin_expect(wide != 0, 0)) {
        alignas(64) uint8_t each[64];
        store64(each, values);
        for (; groups != 0; groups &= groups - 1) {
          const int first = 8 * __builtin_ctz(groups);
          for (int i = first; i < first + 8 && i < n; ++i) writer.put((uint64_t{1} << each[i]) - 1, each[i] + 1);
        }
        continue;
      }
      for (; groups != 0; groups &= groups - 1) {
        const uint64_t bits = codes[__builtin_ctz(groups)];
        writer.put(_pext_u64(bits >> 1 & 0x7F7F7F7F7F7F7F7F, bits), __builtin_popcountll(bits));
      }
    }
  }
  return reverse_bits(out, writer.finish());
}

// Pairs of nibbles, one a byte, to bytes.
uint8_t* join_nibbles(uint8_t* nibbles, uint8_t* end, uint8_t* out) {
  *end = 0;
  const V weights = words(0x0110);
  const std::ptrdiff_t count = (end - nibbles + 1) / 2;
  for (std::ptrdiff_t i = 0; i < count; i += 32) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), _mm512_cvtepi16_epi8(_mm512_maddubs_epi16(load64(nibbles + 2 * i), weights)));
  }
  return out + count;
}

uint8_t* pack_raw_counts(const BandLine* lines, int count, uint8_t* out) {
  // Lines have whole nibbles, so an odd number of groups shifts what follows by half a byte.
  int odd = 0;
  for (const BandLine* line = lines; line < lines + count; ++line) {
    const uint8_t* planes = line->planes;
    int groups = line->groups;
    if (odd != 0) {
      out[-1] = static_cast<uint8_t>(out[-1] | planes[0]);
      ++planes;
      --groups;
    }
    for (int g = 0; g < groups; g += 64) {
      // Behind the last group there must be zeros: it may share its byte with the next line's first one. The padding is no
      // source of them, since a line that begins with its second group reaches a byte beyond it.
      const int left = groups - g < 64 ? groups - g : 64;
      const V counts = _mm512_maskz_loadu_epi8(~uint64_t{0} >> (64 - left), planes + g);
      const V pairs = _mm512_maddubs_epi16(counts, words(0x0110));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + g / 2), _mm512_cvtepi16_epi8(pairs));
    }
    out += (groups + 1) / 2;
    odd = groups % 2;
  }
  return out;
}

uint8_t* pack_data(const BandLine* lines, int count, Quantizer quantizer, uint8_t* out, uint8_t* signs, uint8_t** signs_end, uint8_t* scratch) {
  alignas(64) static constexpr struct Order {
    uint8_t group[2][64];  // the group that each nibble belongs to
    uint8_t plane[64];
    constexpr Order() : group{}, plane{} {
      for (int i = 0; i < 64; ++i) {
        group[0][i] = static_cast<uint8_t>(i / 8);
        group[1][i] = static_cast<uint8_t>(8 + i / 8);
        plane[i] = static_cast<uint8_t>(7 - i % 8);
      }
    }
  } kOrder;
  const V single_bits = _mm512_set1_epi64(0x0102040810204080);  // byte i picks plane 7 - i
  const V low_nibbles = bytes(0x0F);
  LowBitsFirst sign_writer(signs);
  uint8_t* nibble = scratch;
  for (const BandLine* line = lines; line < lines + count; ++line) {
    const int truncation = line->truncation;
    const __m128i shift = _mm_cvtsi32_si128(truncation);
    const V factors = load_table(kQuantizerTables.factor[truncation]), sign_bits = load_table(kQuantizerTables.sign_bit[truncation]);
    // With signs in the data, they are one more plane, above the others.
    const int sign_planes = quantizer.separate_signs ? 0 : 1;
    for (int g = 0; g < line->groups; g += 64) {
      const V excess = _mm512_subs_epu8(load64(line->planes + g), bytes(truncation));
      const uint64_t coded = _mm512_test_epi8_mask(excess, excess);
      const uint64_t wide = _mm512_cmpgt_epu8_mask(excess, bytes(8 - sign_planes));
      for (int part = 0; part < 64; part += 16) {
        const uint32_t groups = static_cast<uint32_t>(coded >> part & 0xFFFF);
        if (groups == 0) continue;
        const int first = g + part;
        const int16_t* c = line->coefficients + 4 * first;
        const V c0 = load64(c), c1 = load64(c + 32);
        const CoefficientPlanes planes(line->planes + first);
        V q0, q1;
        if (quantizer.uniform) {
          q0 = _mm512_mulhrs_epi16(_mm512_abs_epi16(c0), _mm512_permutexvar_epi16(planes.first, factors));
          q1 = _mm512_mulhrs_epi16(_mm512_abs_epi16(c1), _mm512_permutexvar_epi16(planes.second, factors));
        } else {
          q0 = _mm512_srl_epi16(_mm512_abs_epi16(c0), shift);
          q1 = _mm512_srl_epi16(_mm512_abs_epi16(c1), shift);
        }
        const __mmask32 nonzero0 = _mm512_test_epi16_mask(q0, q0), nonzero1 = _mm512_test_epi16_mask(q1, q1);
        if (quantizer.separate_signs) {
          const uint64_t nonzero = _mm512_kunpackd(nonzero1, nonzero0),
                         negative = _mm512_kunpackd(_mm512_movepi16_mask(c1), _mm512_movepi16_mask(c0));
          sign_writer.put(_pext_u64(negative, nonzero), __builtin_popcountll(nonzero));
        } else {
          q0 = _mm512_or_si512(q0, _mm512_maskz_permutexvar_epi16(nonzero0 & _mm512_movepi16_mask(c0), planes.first, sign_bits));
          q1 = _mm512_or_si512(q1, _mm512_maskz_permutexvar_epi16(nonzero1 & _mm512_movepi16_mask(c1), planes.second, sign_bits));
        }
        if (__builtin_expect((wide >> part & 0xFFFF) != 0, 0)) {
          alignas(64) uint16_t q[64];
          store64(q, q0);
          store64(q + 32, q1);
          for (int i = 0; i < 16; ++i) {
            if ((groups >> i & 1) == 0) continue;
            for (int plane = line->planes[first + i] - truncation - 1 + sign_planes; plane >= 0; --plane) {
              const uint16_t* group = q + 4 * i;
              *nibble++ = static_cast<uint8_t>((group[0] >> plane & 1) << 3 | (group[1] >> plane & 1) << 2 | (group[2] >> plane & 1) << 1 |
                                               (group[3] >> plane & 1));
            }
          }
          continue;
        }
        // Two groups of low bytes in 64 bits are an 8x8 matrix of bits; transposed, a byte has one plane of both.
        const V both = _mm512_gf2p8affine_epi64_epi8(single_bits, _mm512_packus_epi16(q0, q1), 0);
        const V even = _mm512_and_si512(_mm512_srli_epi16(both, 4), low_nibbles), odd = _mm512_and_si512(both, low_nibbles);
        const __m128i n =
            _mm_subs_epu8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(line->planes + first)), _mm_set1_epi8(static_cast<char>(truncation)));
        const __m128i nibbles = quantizer.separate_signs ? n : _mm_mask_add_epi8(n, static_cast<__mmask16>(groups), n, _mm_set1_epi8(1));
        const V all = _mm512_broadcast_i32x4(nibbles);
        const __mmask64 mask0 = _mm512_cmpgt_epu8_mask(_mm512_shuffle_epi8(all, load64(kOrder.group[0])), load64(kOrder.plane));
        const __mmask64 mask1 = _mm512_cmpgt_epu8_mask(_mm512_shuffle_epi8(all, load64(kOrder.group[1])), load64(kOrder.plane));
        store64(nibble, _mm512_maskz_compress_epi8(mask0, _mm512_unpacklo_epi64(even, odd)));
        nibble += __builtin_popcountll(mask0);
        store64(nibble, _mm512_maskz_compress_epi8(mask1, _mm512_unpackhi_epi64(even, odd)));
        nibble += __builtin_popcountll(mask1);
      }
    }
  }
  *signs_end = reverse_bits(signs, sign_writer.finish());
  return join_nibbles(scratch, nibble, out);
}

}  // namespace

const Kernels& kernels_avx512() {
  static constexpr Kernels kTable = {&load,           &predict,       &update,     &lift,        &split,           &count_planes, &line_sums,
                                     &predicted_sums, &count_nonzero, &pack_flags, &pack_counts, &pack_raw_counts, &pack_data};
  return kTable;
}

}  // namespace plcv::jpegxs::encoding
