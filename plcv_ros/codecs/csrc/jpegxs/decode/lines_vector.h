// SPDX-License-Identifier: Apache-2.0
// The kernels that work on lines of samples, on the vectors of one target.
#pragma once

#include <cstring>

#include "jpegxs/decode/kernels.h"

namespace plcv::jpegxs::decoding {

template <class S>
struct Lines {
  using V = typename S::V;
  static constexpr int kElements = 4 * S::kLanes;  // of 32 bits
  static constexpr int kBlock = 4 * kElements;     // samples of 8 bits
  static constexpr int kFetchAhead = 2048;         // bytes; pixels are written to memory that is in no near cache

  static V load_low(const int32_t* p, int) { return S::load(p); }
  static V load_low(const int16_t* p, int fraction_bits) { return S::shift_left(S::widen(p), fraction_bits); }
  static V load_high(const int16_t* p, int fraction_bits) { return S::shift_left(S::widen(p), fraction_bits); }
  static V even_step(V low, V high_before, V high_after) {
    return S::sub32(low, S::template sra32<2>(S::add32(S::add32(high_before, high_after), S::set32(2))));
  }
  static V odd_step(V high, V even_before, V even_after) { return S::add32(high, S::template sra32<1>(S::add32(even_before, even_after))); }

  // Even samples run one vector ahead of odd ones, which need the next. What lies beyond the borders is made up and put right at the end.
  template <class Low>
  static void horizontal(const Low* low, const int16_t* high, int n, int fraction_bits, int32_t* out) {
    const int highs = n / 2, lows = n - highs;
    V h = load_high(high, fraction_bits);
    V even = even_step(load_low(low, fraction_bits), S::with_previous(S::set32(high[0] * (1 << fraction_bits)), h), h);
    for (int i = 0; i < lows; i += kElements) {
      const V h_next = load_high(high + i + kElements, fraction_bits);
      const V even_next = even_step(load_low(low + i + kElements, fraction_bits), S::with_previous(h, h_next), h_next);
      S::store_alternating(out + 2 * i, even, odd_step(h, even, S::with_next(even, even_next)));
      h = h_next;
      even = even_next;
    }
    const int32_t last_high = high[highs - 1] * (1 << fraction_bits);
    if (n % 2 == 0) {
      out[n - 1] = last_high + out[n - 2];
    } else {
      const int32_t last_low = low[lows - 1] * (sizeof(Low) == 2 ? 1 << fraction_bits : 1);
      out[n - 1] = last_low - ((2 * last_high + 2) >> 2);
      out[n - 2] = last_high + ((out[n - 3] + out[n - 1]) >> 1);
    }
  }

  static void vertical_even(const int32_t* low, const int32_t* high_above, const int32_t* high_below, int n, int32_t* even) {
    for (int i = 0; i < n; i += kElements) S::store(even + i, even_step(S::load(low + i), S::load(high_above + i), S::load(high_below + i)));
  }

  static void vertical_odd(const int32_t* high, const int32_t* even_above, const int32_t* even_below, int n, int32_t* odd) {
    for (int i = 0; i < n; i += kElements) S::store(odd + i, odd_step(S::load(high + i), S::load(even_above + i), S::load(even_below + i)));
  }

  static void vertical(const int32_t* low, const int32_t* high_above, const int32_t* high_below, const int32_t* even_above, int n, int32_t* even,
                       int32_t* odd_above) {
    for (int i = 0; i < n; i += kElements) {
      const V high = S::load(high_above + i), v = even_step(S::load(low + i), high, S::load(high_below + i));
      S::store(even + i, v);
      S::store(odd_above + i, odd_step(high, S::load(even_above + i), v));
    }
  }

  static void inverse_rct(const int32_t* y, const int32_t* cb, const int32_t* cr, int n, int32_t* r, int32_t* g, int32_t* b) {
    for (int i = 0; i < n; i += kElements) {
      const V vb = S::load(cb + i), vr = S::load(cr + i), green = S::sub32(S::load(y + i), S::template sra32<2>(S::add32(vb, vr)));
      S::store(g + i, green);
      S::store(r + i, S::add32(vr, green));
      S::store(b + i, S::add32(vb, green));
    }
  }

  // Calls block(first, out) for each kBlock samples; the last, partial one goes through a buffer, of `bytes` bytes a sample.
  template <class Out, class Block>
  static inline __attribute__((always_inline)) void in_blocks(int n, int elements, Out* out, Block block) {
    int i = 0;
    for (; i + kBlock <= n; i += kBlock) block(i, out + i * elements);
    if (i < n) {
      Out buffer[3 * kBlock];
      block(i, buffer);
      std::memcpy(out + i * elements, buffer, static_cast<std::size_t>((n - i) * elements) * sizeof(Out));
    }
  }

  static V scaled(const int32_t* line, const Scaling& scaling) {
    return S::shift_right(S::add32(S::load(line), S::set32(scaling.offset)), scaling.shift);
  }

  static void scale8(const int32_t* line, int n, const Scaling& scaling, uint8_t* out) {
    in_blocks(n, 1, out, [&](int first, uint8_t* to) {
      V v[4];
      for (int k = 0; k < 4; ++k) v[k] = scaled(line + first + k * kElements, scaling);
      S::store(to, S::to_bytes(v[0], v[1], v[2], v[3]));
    });
  }

  static void scale16(const int32_t* line, int n, const Scaling& scaling, uint16_t* out) {
    const V largest = S::set32((1 << scaling.depth) - 1);
    in_blocks(n, 1, out, [&](int first, uint16_t* to) {
      for (int k = 0; k < 4; k += 2) {
        const V a = S::min32(scaled(line + first + k * kElements, scaling), largest);
        const V b = S::min32(scaled(line + first + (k + 1) * kElements, scaling), largest);
        S::store(to + k * kElements, S::to_words(a, b));
      }
    });
  }

  static void interleave(const uint8_t* r, const uint8_t* g, const uint8_t* b, int n, uint8_t* rgb) {
    in_blocks(n, 3, rgb, [&](int first, uint8_t* to) { S::template store_rgb<8>(to, S::load(r + first), S::load(g + first), S::load(b + first)); });
  }

  static void rct_to_rgb8(const int32_t* y, const int32_t* cb, const int32_t* cr, int n, const Scaling& scaling, uint8_t* rgb) {
    const V offset = S::set32(scaling.offset);
    in_blocks(n, 3, rgb, [&](int first, uint8_t* to) {
      for (int k = 0; k < 3 * kBlock; k += 64) __builtin_prefetch(to + kFetchAhead + k, 1);
      V r[4], g[4], b[4];
      for (int k = 0; k < 4; ++k) {
        const int i = first + k * kElements;
        const V vb = S::load(cb + i), vr = S::load(cr + i);
        const V green = S::sub32(S::add32(S::load(y + i), offset), S::template sra32<2>(S::add32(vb, vr)));
        r[k] = S::shift_right(S::add32(vr, green), scaling.shift);
        g[k] = S::shift_right(green, scaling.shift);
        b[k] = S::shift_right(S::add32(vb, green), scaling.shift);
      }
      S::template store_rgb<8>(to, S::to_bytes(r[0], r[1], r[2], r[3]), S::to_bytes(g[0], g[1], g[2], g[3]), S::to_bytes(b[0], b[1], b[2], b[3]));
    });
  }

  // A coefficient of a colour matrix as whole 2^16 and a rest of 16 bits, which is what products of words take.
  struct Split {
    int whole, rest;
    explicit Split(int coefficient) : whole((coefficient + (1 << 15)) >> 16), rest(coefficient - whole * (1 << 16)) {}
  };

  // Words of 16 pixels a 128-bit lane, eight in each half; sums of up to two products a pixel, rounded and divided by 2^16.
  struct Words {
    V half[2];
    static Words of_bytes(V bytes, int zero) {
      const V offset = S::set16(zero);
      return {{S::sub16(S::lo8(bytes, S::zero()), offset), S::sub16(S::hi8(bytes, S::zero()), offset)}};
    }
  };
  static V pair_of(int first, int second) { return S::set32(static_cast<int>((static_cast<unsigned>(second) << 16) | (first & 0xFFFF))); }
  static V rounded(V low, V high) {
    const V half = S::set32(1 << 15);
    return S::pack32(S::template sra32<16>(S::add32(low, half)), S::template sra32<16>(S::add32(high, half)));
  }

  static void ycbcr_to_rgb8(const uint8_t* y, const uint8_t* cb, const uint8_t* cr, int n, bool halved, const ColourMatrix& m, uint8_t* rgb) {
    const Split luma(m.y), red(m.r), green_blue(-m.gb), green_red(-m.gr), blue(m.b);
    const V of_red = pair_of(luma.rest, red.rest), of_blue = pair_of(luma.rest, blue.rest), of_green = pair_of(green_blue.rest, green_red.rest);
    const V of_luma = pair_of(luma.rest, 0);
    in_blocks(n, 3, rgb, [&](int first, uint8_t* to) {
      for (int k = 0; k < 3 * kBlock; k += 64) __builtin_prefetch(to + kFetchAhead + k, 1);
      const Words l = Words::of_bytes(S::load(y + first), m.black);
      const Words b = Words::of_bytes(halved ? S::twice(cb + first / 2) : S::load(cb + first), 128);
      const Words r = Words::of_bytes(halved ? S::twice(cr + first / 2) : S::load(cr + first), 128);
      V out[3][2];
      for (int h = 0; h < 2; ++h) {
        const V y16 = l.half[h], b16 = b.half[h], r16 = r.half[h];
        const V red_low = S::lo16(y16, r16), red_high = S::hi16(y16, r16), blue_low = S::lo16(y16, b16), blue_high = S::hi16(y16, b16);
        const V low = S::add32(S::madd16(S::lo16(b16, r16), of_green), S::madd16(red_low, of_luma));
        const V high = S::add32(S::madd16(S::hi16(b16, r16), of_green), S::madd16(red_high, of_luma));
        const V whole = times(y16, luma.whole);
        out[0][h] = S::add16(S::add16(whole, times(r16, red.whole)), rounded(S::madd16(red_low, of_red), S::madd16(red_high, of_red)));
        out[1][h] = S::add16(S::add16(whole, S::add16(times(b16, green_blue.whole), times(r16, green_red.whole))), rounded(low, high));
        out[2][h] = S::add16(S::add16(whole, times(b16, blue.whole)), rounded(S::madd16(blue_low, of_blue), S::madd16(blue_high, of_blue)));
      }
      S::template store_rgb<8>(to, S::pack16(out[0][0], out[0][1]), S::pack16(out[1][0], out[1][1]), S::pack16(out[2][0], out[2][1]));
    });
  }

  // Words times a small number.
  static V times(V words, int factor) { return S::mullo16(words, S::set16(factor)); }
};

}  // namespace plcv::jpegxs::decoding
