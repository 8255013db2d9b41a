// SPDX-License-Identifier: Apache-2.0
// The kernels in terms of a few vector operations, for AVX2 and NEON (lanes_*.h). What each function does: kernels_scalar.cpp.
#pragma once

#include "jpegxs/encode/bit_writer.h"
#include "jpegxs/encode/branchless_bits.h"
#include "jpegxs/encode/kernels.h"
#include "jpegxs/encode/tables.h"

namespace plcv::jpegxs::encoding {
namespace {

template <class S>
struct VectorKernels {
  using V = typename S::V;
  static constexpr int kBytes = S::kBytes;
  static constexpr int kWords = kBytes / 2;
  static constexpr int kBlock = kGroupBlock;  // groups that are looked up and coded at once

  // ---- Pixels to samples

  static V centred(V samples, int shift) { return S::sll16(S::sub16(samples, S::set16(128)), shift); }
  static V low_bytes(V a) { return S::and_(a, S::set16(255)); }
  static V high_bytes(V a) { return S::template srl16<8>(a); }

  static void store_split(const SplitLine& line, int x, V even, V odd) {
    S::store(line.even + x / 2, even);
    S::store(line.odd + x / 2, odd);
  }

  static void store_colours(const SplitLine* lines, int16_t* SplitLine::* part, int x, V r, V g, V b, const Loading& loading) {
    const int shift = loading.shift;
    V out[3];
    if (loading.colour_transform) {
      // The sum of centred samples, shifted before it is divided: the shift is 4 or 0.
      const V sum = S::sub16(S::add16(S::add16(r, b), S::add16(g, g)), S::set16(512));
      out[0] = S::template sra16<2>(S::sll16(sum, shift));
      out[1] = S::sll16(S::sub16(b, g), shift);
      out[2] = S::sll16(S::sub16(r, g), shift);
    } else {
      out[0] = centred(r, shift);
      out[1] = centred(g, shift);
      out[2] = centred(b, shift);
    }
    for (int c = 0; c < 3; ++c) S::store(lines[c].*part + x / 2, out[c]);
  }

  // kBytes pixels of three or four bytes.
  static void load_colours(const uint8_t* p, const Loading& loading, int x, const SplitLine* lines) {
    uint8_t packed[3 * kBytes];
    if (bytes_per_pixel(loading.format) == 4) {
      for (int i = 0; i < kBytes; ++i) {
        for (int c = 0; c < 3; ++c) packed[3 * i + c] = p[4 * i + c];
      }
      p = packed;
    }
    V r, g, b;
    S::template load_rgb<8>(p, r, g, b);
    if (loading.format == PixelFormat::bgr8 || loading.format == PixelFormat::bgra8) {
      const V swapped = r;
      r = b;
      b = swapped;
    }
    store_colours(lines, &SplitLine::even, x, low_bytes(r), low_bytes(g), low_bytes(b), loading);
    store_colours(lines, &SplitLine::odd, x, high_bytes(r), high_bytes(g), high_bytes(b), loading);
  }

  // 2 kBytes pixels of two bytes.
  static void load_422(const uint8_t* p, const Loading& loading, int x, const SplitLine* lines) {
    const bool luma_high = loading.format == PixelFormat::uyvy8;
    V cb[2], cr[2];
    for (int i = 0; i < 2; ++i) {
      const V a = S::load(p + 2 * kBytes * i), b = S::load(p + 2 * kBytes * i + kBytes);
      V even, odd;
      S::split16(luma_high ? high_bytes(a) : low_bytes(a), luma_high ? high_bytes(b) : low_bytes(b), even, odd);
      store_split(lines[0], x + kBytes * i, centred(even, loading.shift), centred(odd, loading.shift));
      S::split16(luma_high ? low_bytes(a) : high_bytes(a), luma_high ? low_bytes(b) : high_bytes(b), cb[i], cr[i]);
    }
    const V* const chroma[] = {cb, cr};
    for (int c = 0; c < 2; ++c) {
      V even, odd;
      S::split16(chroma[c][0], chroma[c][1], even, odd);
      store_split(lines[1 + c], x / 2, centred(even, loading.shift), centred(odd, loading.shift));
    }
  }

  static void load_grey(const uint8_t* p, const Loading& loading, int x, const SplitLine* lines) {
    const V samples = S::load(p);
    store_split(lines[0], x, centred(low_bytes(samples), loading.shift), centred(high_bytes(samples), loading.shift));
  }

  static void load(const uint8_t* pixels, const Loading& loading, int width, const SplitLine* lines) {
    const int bytes = bytes_per_pixel(loading.format), step = bytes == 2 ? 2 * kBytes : kBytes;
    const auto run = bytes == 1 ? &load_grey : (bytes == 2 ? &load_422 : &load_colours);
    int x = 0;
    for (; x + step <= width; x += step) {
      const uint8_t* p = pixels + bytes * x;
      for (int i = 0; i < bytes * step; i += 64) __builtin_prefetch(p + loading.ahead + i, 0, 2);
      run(p, loading, x, lines);
    }
    if (x == width) return;
    uint8_t rest[4 * kBytes] = {};
    __builtin_memcpy(rest, pixels + bytes * x, static_cast<unsigned>(bytes * (width - x)));
    run(rest, loading, x, lines);
  }

  // ---- Lifting

  static V predicted(V a, V middle, V b) { return S::subs16(middle, S::template sra16<1>(S::adds16(a, b))); }
  static V updated(V middle, V a, V b) { return S::adds16(middle, S::template sra16<2>(S::adds16(S::adds16(a, b), S::set16(2)))); }

  static void predict(const int16_t* a, const int16_t* middle, const int16_t* b, int n, int16_t* out) {
    for (int i = 0; i < n; i += kWords) S::store(out + i, predicted(S::load(a + i), S::load(middle + i), S::load(b + i)));
  }

  static void update(const int16_t* middle, const int16_t* a, const int16_t* b, int n, int16_t* out) {
    for (int i = 0; i < n; i += kWords) S::store(out + i, updated(S::load(middle + i), S::load(a + i), S::load(b + i)));
  }

  static void lift(const int16_t* top, const int16_t* middle, const int16_t* bottom, const int16_t* high_above, int n, int16_t* high, int16_t* low) {
    for (int i = 0; i < n; i += kWords) {
      const V first = S::load(top + i), detail = predicted(first, S::load(middle + i), S::load(bottom + i));
      S::store(high + i, detail);
      S::store(low + i, updated(first, S::load(high_above + i), detail));
    }
  }

  static void split(const int16_t* in, int n, SplitLine out) {
    for (int i = 0; i < n; i += 2 * kWords) {
      V even, odd;
      S::split16(S::load(in + i), S::load(in + i + kWords), even, odd);
      store_split(out, i, even, odd);
    }
  }

  // ---- Bit-plane counts

  // ORs of neighbours in two vectors, in order.
  static V pairs(V a, V b) {
    V even, odd;
    S::split16(a, b, even, odd);
    return S::or_(even, odd);
  }

  // The groups' ORs of four vectors of magnitudes.
  static V group_bits(const int16_t* c) {
    const auto magnitude = [c](int vector) { return S::abs16(S::load(c + kWords * vector)); };
    return pairs(pairs(magnitude(0), magnitude(1)), pairs(magnitude(2), magnitude(3)));
  }

  // Bit lengths of numbers with one nibble that is not zero, and zeros below it.
  struct LengthTables {
    uint8_t at[4][16];
    constexpr LengthTables() : at{} {
      for (int nibble = 0; nibble < 4; ++nibble) {
        for (int value = 1; value < 16; ++value) {
          int length = 4 * nibble;
          for (int bits = value; bits != 0; bits >>= 1) ++length;
          at[nibble][value] = static_cast<uint8_t>(length);
        }
      }
    }
  };

  static void count_planes(int16_t* coefficients, int groups, uint8_t* planes, uint8_t* maxima) {
    static constexpr LengthTables kTables;
    constexpr int kLimit = (1 << 14) - 1;
    for (int g = 0; g < groups; g += kBytes) {
      int16_t* c = coefficients + 4 * g;
      V a = group_bits(c), b = group_bits(c + 4 * kWords);
      if (__builtin_expect(S::any(S::and_(S::or_(a, b), S::set16(~kLimit))), 0)) {
        for (int i = 0; i < 8 * kWords; i += kWords) {
          S::store(c + i, S::max16(S::min16(S::load(c + i), S::set16(kLimit)), S::set16(-kLimit)));
        }
        a = group_bits(c);
        b = group_bits(c + 4 * kWords);
      }
      const V low = S::narrow16(low_bytes(a), low_bytes(b)), high = S::narrow16(high_bytes(a), high_bytes(b)), nibble = S::set8(15);
      const auto length = [](int n, V nibbles) { return S::shuffle8(S::lanes(kTables.at[n]), nibbles); };
      const V of_low = S::max8u(length(0, S::and_(low, nibble)), length(1, S::and_(S::template srl16<4>(low), nibble)));
      const V of_high = S::max8u(length(2, S::and_(high, nibble)), length(3, S::and_(S::template srl16<4>(high), nibble)));
      const V counts = S::max8u(of_low, of_high);
      S::store(planes + g, counts);
      V most = S::max8u(counts, S::template srl64<32>(counts));
      most = S::max8u(most, S::template srl64<16>(most));
      most = S::max8u(most, S::template srl64<8>(most));
      uint8_t each[kBytes];
      S::store(each, most);
      for (int i = 0; i < kBytes / 8; ++i) maxima[g / 8 + i] = each[8 * i];
    }
  }

  // ---- Costs

  static uint64_t total64(V a) {
    uint64_t each[kBytes / 8], total = 0;
    S::store(each, a);
    for (const uint64_t value : each) total += value;
    return total;
  }

  // Groups that the last significance group lacks.
  static int missing_groups(const BandLine& line) { return -line.groups & 7; }
  static bool last_is_significant(const BandLine& line) { return line.maxima[(line.groups - 1) / 8] > line.truncation; }

  static LineSums line_sums(const BandLine& line) {
    const V t = S::set8(line.truncation), one = S::set8(1);
    V planes = S::zero(), groups = S::zero();
    for (int g = 0; g < line.groups; g += kBytes) {
      const V excess = S::subs8u(S::load(line.planes + g), t);
      planes = S::add64(planes, S::sums8(excess));
      groups = S::add64(groups, S::sums8(S::min8u(excess, one)));
    }
    LineSums sums{static_cast<int>(total64(planes)), static_cast<int>(total64(groups)), 0};
    for (int i = 0; i < (line.groups + 7) / 8; ++i) sums.coded += line.maxima[i] > line.truncation ? 8 : 0;
    if (last_is_significant(line)) sums.coded -= missing_groups(line);
    return sums;
  }

  // Values of the unary codes of kBytes groups.
  static V zero_predicted_codes(const BandLine& line, int g) { return S::subs8u(S::load(line.planes + g), S::set8(line.truncation)); }
  static V predicted_codes(const BandLine& line, int g) {
    const V t = S::set8(line.truncation), least = S::set8(line.truncation > line.truncation_above ? line.truncation : line.truncation_above);
    const V prediction = S::max8u(S::load(line.above + g), least), count = S::max8u(S::load(line.planes + g), t);
    const V up = S::sub8(count, prediction), down = S::sub8(prediction, count);
    const V code = S::add8(up, S::min8u(up, S::sub8(prediction, t)));
    const V not_below = S::equal8(S::max8u(count, prediction), count);
    return S::select(S::sub8(S::add8(down, down), S::set8(1)), code, not_below);
  }

  static PredictedSums predicted_sums(const BandLine& line) {
    V all = S::zero(), coded = S::zero();
    int significance_groups = 0;
    for (int g = 0; g < line.groups; g += kBytes) {
      const V codes = S::sums8(predicted_codes(line, g));
      uint64_t keep[kBytes / 8];
      for (int i = 0; i < kBytes / 8; ++i) {
        const bool significant = line.maxima[g / 8 + i] > line.truncation;
        keep[i] = significant ? ~uint64_t{0} : 0;
        significance_groups += significant;
      }
      all = S::add64(all, codes);
      coded = S::add64(coded, S::and_(codes, S::load(keep)));
    }
    // Behind the last group there are counts of zero; each was taken for a code.
    const int over = line.truncation_above - line.truncation, code = over > 0 ? 2 * over - 1 : 0, behind = -line.groups & (kBytes - 1);
    PredictedSums sums{};
    sums.all = static_cast<int>(total64(all)) - behind * code + line.groups;
    sums.coded = static_cast<int>(total64(coded)) + 8 * significance_groups;
    if (last_is_significant(line)) sums.coded -= missing_groups(line) * (code + 1);
    return sums;
  }

  // A number for each of kBytes groups, by its count, four times: eight vectors, one word a coefficient.
  static void spread(const QuantizerTables::Row& row, V planes, V* out) {
    const V order = S::before_spreading(planes), low = S::shuffle8(S::lanes(row.low), order), high = S::shuffle8(S::lanes(row.high), order);
    const V words[2] = {S::lo8(low, high), S::hi8(low, high)};
    for (const V word : words) {
      const V twice[2] = {S::lo16(word, word), S::hi16(word, word)};
      for (const V two : twice) {
        *out++ = S::lo32(two, two);
        *out++ = S::hi32(two, two);
      }
    }
  }

  static int count_nonzero(const BandLine& line, bool uniform) {
    const QuantizerTables::Row& thresholds = (uniform ? kQuantizerTables.threshold : kQuantizerTables.deadzone_threshold)[line.truncation];
    const V t = S::set8(line.truncation);
    V below = S::zero();
    int looked_at = 0;
    for (int g = 0; g < line.groups; g += kBytes) {
      const V planes = S::load(line.planes + g);
      if (!S::any(S::subs8u(planes, t))) continue;
      V least[8];
      spread(thresholds, planes, least);
      const int16_t* c = line.coefficients + 4 * g;
      // A comparison gives -1 where it holds.
      for (int i = 0; i < 8; ++i) below = S::add16(below, S::gt16(least[i], S::abs16(S::load(c + kWords * i))));
      looked_at += 8 * kWords;
    }
    int16_t each[kWords];
    S::store(each, below);
    for (const int16_t value : each) looked_at += value;
    return looked_at;
  }

  // ---- Sub-packets

  static uint8_t* reverse_bits(uint8_t* first, uint8_t* last) {
    alignas(16) static constexpr uint8_t kLow[16] = {0x00, 0x80, 0x40, 0xC0, 0x20, 0xA0, 0x60, 0xE0, 0x10, 0x90, 0x50, 0xD0, 0x30, 0xB0, 0x70, 0xF0};
    alignas(16) static constexpr uint8_t kHigh[16] = {0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15};
    const V low = S::lanes(kLow), high = S::lanes(kHigh), nibble = S::set8(15);
    for (uint8_t* p = first; p < last; p += kBytes) {
      const V bits = S::load(p);
      S::store(p, S::or_(S::shuffle8(low, S::and_(bits, nibble)), S::shuffle8(high, S::and_(S::template srl16<4>(bits), nibble))));
    }
    return last;
  }

  // Bit codes of up to seven bits, one a byte with its length in another, to one for each eight: the first in the lowest bits.
  static void join_codes(V codes, V lengths, uint64_t* joined, uint64_t* joined_lengths) {
    alignas(16) static constexpr uint8_t kPowers[16] = {1, 2, 4, 8, 16, 32, 64, 128};
    const V powers = S::shuffle8(S::lanes(kPowers), lengths);
    const V codes16 = S::or_(low_bytes(codes), S::mullo16(high_bytes(codes), low_bytes(powers)));
    const V lengths16 = S::add16(low_bytes(lengths), high_bytes(lengths)), low16 = S::set32(0xFFFF);
    const V codes32 = S::or_(S::and_(codes16, low16), S::sllv32(S::template srl32<16>(codes16), S::and_(lengths16, low16)));
    const V lengths32 = S::add32(S::and_(lengths16, low16), S::template srl32<16>(lengths16)), low32 = S::set64(0xFFFFFFFF);
    S::store(joined, S::or_(S::and_(codes32, low32), S::sllv64(S::template srl64<32>(codes32), S::and_(lengths32, low32))));
    S::store(joined_lengths, S::add64(S::and_(lengths32, low32), S::template srl64<32>(lengths32)));
  }

  static uint8_t* pack_flags(const BandLine* lines, int count, uint8_t* out) {
    BitWriter writer(out);
    for (const BandLine* line = lines; line < lines + count; ++line) {
      if ((line->mode & kSignificance) == 0) continue;
      for (int i = 0; i < (line->groups + 7) / 8; ++i) writer.put(line->maxima[i] <= line->truncation, 1);
    }
    return writer.finish();
  }

  static uint8_t* pack_counts(const BandLine* lines, int count, uint8_t* out) {
    constexpr int kLongest = 6;  // the largest value whose code has seven bits
    alignas(16) static constexpr uint8_t kCodes[16] = {0, 1, 3, 7, 15, 31, 63};
    LowBitsFirst writer(out);
    for (const BandLine* line = lines; line < lines + count; ++line) {
      for (int g = 0; g < line->groups; g += kBytes) {
        const V values = (line->mode & kPrediction) != 0 ? predicted_codes(*line, g) : zero_predicted_codes(*line, g);
        uint64_t codes[kBytes / 8], lengths[kBytes / 8];
        join_codes(S::shuffle8(S::lanes(kCodes), values), S::add8(values, S::set8(1)), codes, lengths);
        uint8_t each[kBytes], wide[kBytes];
        S::store(each, values);
        S::store(wide, S::subs8u(values, S::set8(kLongest)));
        for (int i = 0; i < kBytes / 8 && g + 8 * i < line->groups; ++i) {
          if ((line->mode & kSignificance) != 0 && line->maxima[g / 8 + i] <= line->truncation) continue;
          const int left = line->groups - g - 8 * i;
          uint64_t any_wide;
          __builtin_memcpy(&any_wide, wide + 8 * i, 8);
          if (any_wide == 0 && left >= 8) {
            writer.put(codes[i], static_cast<int>(lengths[i]));
            continue;
          }
          for (int k = 8 * i; k < 8 * i + (left < 8 ? left : 8); ++k) writer.put((uint64_t{1} << each[k]) - 1, each[k] + 1);
        }
      }
    }
    return reverse_bits(out, writer.finish());
  }

  static uint8_t* pack_raw_counts(const BandLine* lines, int count, uint8_t* out) {
    BitWriter writer(out);
    for (const BandLine* line = lines; line < lines + count; ++line) {
      for (int g = 0; g < line->groups; ++g) writer.put(line->planes[g], 4);
    }
    return writer.finish();
  }

  // The code of a group's signs by the bits of its coefficients that are not zero (high nibble) and those that are negative.
  struct SignTables {
    uint8_t code[256], length[16];
    constexpr SignTables() : code{}, length{} {
      for (int i = 0; i < 256; ++i) {
        int n = 0;
        for (int k = 0; k < 4; ++k) {
          if ((i >> (4 + k) & 1) == 0) continue;
          code[i] = static_cast<uint8_t>(code[i] | (i >> k & 1) << n++);
        }
        length[i >> 4] = static_cast<uint8_t>(n);
      }
    }
  };

  // Two vectors of words of all ones or zeros: a nibble of bits for each group, one in every four bytes.
  static V group_nibbles(V first, V second) {
    return S::dot4(S::zero(), S::and_(S::narrow16(low_bytes(first), low_bytes(second)), S::set8(1)), S::set32(0x08040201));
  }

  // The bits of a 64-bit matrix, row i being byte i, turned so that row i becomes bit i.
  static V transposed(V x) {
    V t = S::and_(S::xor_(x, S::template srl64<7>(x)), S::set64(0x00AA00AA00AA00AA));
    x = S::xor_(S::xor_(x, t), S::template sll64<7>(t));
    t = S::and_(S::xor_(x, S::template srl64<14>(x)), S::set64(0x0000CCCC0000CCCC));
    x = S::xor_(S::xor_(x, t), S::template sll64<14>(t));
    t = S::and_(S::xor_(x, S::template srl64<28>(x)), S::set64(0x00000000F0F0F0F0));
    return S::xor_(S::xor_(x, t), S::template sll64<28>(t));
  }

  static uint8_t* pack_data(const BandLine* lines, int count, Quantizer quantizer, uint8_t* out, uint8_t* signs, uint8_t** signs_end, uint8_t*) {
    static constexpr SignTables kSigns;
    alignas(16) static constexpr uint8_t kReversed[16] = {3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12};
    constexpr int kGroups = kBytes / 4;  // of two vectors of coefficients
    const V reversed = S::lanes(kReversed), low_nibble = S::set16(0x0F), high_nibble = S::set16(0xF0);
    const bool inline_signs = !quantizer.separate_signs;
    HighBitsFirst data(out);
    LowBitsFirst sign_writer(signs);
    for (const BandLine* line = lines; line < lines + count; ++line) {
      const int truncation = line->truncation;
      for (int g = 0; g < line->groups; g += kBytes) {
        const V counts = S::load(line->planes + g), excess = S::subs8u(counts, S::set8(truncation));
        if (!S::any(excess)) continue;
        V factor[8], sign_bit[8];
        if (quantizer.uniform) spread(kQuantizerTables.factor[truncation], counts, factor);
        if (inline_signs) spread(kQuantizerTables.sign_bit[truncation], counts, sign_bit);
        // Nibbles of a group; with signs in the data, they are one more plane, above the others.
        uint8_t nibbles[kBytes];
        S::store(nibbles, inline_signs ? S::add8(excess, S::min8u(excess, S::set8(1))) : excess);
        for (int part = 0; part < 4; ++part) {
          uint64_t present = 0;
          __builtin_memcpy(&present, nibbles + part * kGroups, kGroups);
          if (present == 0) continue;
          const int16_t* c = line->coefficients + 4 * (g + part * kGroups);
          const V c0 = S::load(c), c1 = S::load(c + kWords), m0 = S::abs16(c0), m1 = S::abs16(c1);
          V q0 = quantizer.uniform ? S::mulhrs16(m0, factor[2 * part]) : S::srl16(m0, truncation);
          V q1 = quantizer.uniform ? S::mulhrs16(m1, factor[2 * part + 1]) : S::srl16(m1, truncation);
          const V nonzero0 = S::gt16(q0, S::zero()), nonzero1 = S::gt16(q1, S::zero());
          const V negative0 = S::and_(nonzero0, S::template sra16<15>(c0)), negative1 = S::and_(nonzero1, S::template sra16<15>(c1));
          uint32_t sign_index[kGroups];
          if (inline_signs) {
            q0 = S::or_(q0, S::and_(negative0, sign_bit[2 * part]));
            q1 = S::or_(q1, S::and_(negative1, sign_bit[2 * part + 1]));
          } else {
            const V nonzero = group_nibbles(nonzero0, nonzero1), negative = group_nibbles(negative0, negative1);
            S::store(sign_index, S::or_(S::template sll32<4>(nonzero), negative));
          }
          // Two groups of low bytes, each back to front, in 64 bits: turned, byte p has plane p of both in its nibbles.
          const V both = transposed(S::shuffle8(S::narrow16(low_bytes(q0), low_bytes(q1)), reversed));
          const V even = S::or_(S::and_(both, low_nibble), S::and_(S::template srl16<4>(both), high_nibble));
          const V odd = S::or_(S::and_(S::template srl16<4>(both), low_nibble), S::and_(S::template srl16<8>(both), high_nibble));
          uint32_t planes[kGroups];  // all even groups, then all odd ones
          S::store(planes, S::narrow16(even, odd));
          uint64_t sign_bits = 0;
          int sign_count = 0;
          for (int i = 0; i < kGroups; i += 2) {
            const uint8_t* n = nibbles + part * kGroups + i;
            if (!inline_signs) {
              for (int k = i; k < i + 2; ++k) {
                sign_bits |= uint64_t{kSigns.code[sign_index[k]]} << sign_count;
                sign_count += kSigns.length[sign_index[k] >> 4];
              }
            }
            if (__builtin_expect(n[0] + n[1] <= HighBitsFirst::kLongest / 4 && n[0] <= 8 && n[1] <= 8, 1)) {
              data.put(uint64_t{planes[i / 2]} << (4 * n[1]) | planes[i / 2 + kGroups / 2], 4 * (n[0] + n[1]));
              continue;
            }
            uint16_t q[2 * kWords];
            S::store(q, q0);
            S::store(q + kWords, q1);
            for (int k = 0; k < 2; ++k) {
              const uint16_t* group = q + 4 * (i + k);
              for (int plane = n[k] - 1; plane >= 0; --plane) {
                const int nibble =
                    (group[0] >> plane & 1) << 3 | (group[1] >> plane & 1) << 2 | (group[2] >> plane & 1) << 1 | (group[3] >> plane & 1);
                data.put(static_cast<uint64_t>(nibble), 4);
              }
            }
          }
          sign_writer.put(sign_bits, sign_count);
        }
      }
    }
    *signs_end = reverse_bits(signs, sign_writer.finish());
    return data.finish();
  }

  static constexpr Kernels table() {
    return {&load,           &predict,       &update,     &lift,        &split,           &count_planes, &line_sums,
            &predicted_sums, &count_nonzero, &pack_flags, &pack_counts, &pack_raw_counts, &pack_data};
  }
};

}  // namespace
}  // namespace plcv::jpegxs::encoding
