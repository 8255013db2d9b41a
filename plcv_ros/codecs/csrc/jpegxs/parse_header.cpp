// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>

#include "jpegxs/geometry.h"
#include "jpegxs/header.h"

namespace plcv::jpegxs {
namespace {

constexpr int kUsableCapabilities = 8;  // bits above are reserved

uint32_t read16(const uint8_t* p) { return (uint32_t{p[0]} << 8) | p[1]; }
uint32_t read32(const uint8_t* p) { return (read16(p) << 16) | read16(p + 2); }

std::string expect(const char* field, int64_t value, const std::string& expected) {
  return std::string(field) + " is " + std::to_string(value) + ", expected " + expected;
}

// A segment's bytes behind its length field.
struct Body {
  const uint8_t* data = nullptr;
  int size = 0;
};

std::string read_capabilities(const Body& body, Parameters* p) {
  p->capabilities = 0;
  for (int i = 0; i < 8 * body.size; ++i) {
    if (((body.data[i / 8] >> (7 - i % 8)) & 1) == 0) continue;
    if (i == 1) return "CAP asks for Star-Tetrix (bit 1), expected none: Bayer pictures are not supported";
    if (i > kUsableCapabilities) return "CAP has bit " + std::to_string(i) + " set, expected at most bit 8";
    p->capabilities |= static_cast<uint16_t>(0x8000 >> i);
  }
  return {};
}

std::string read_picture(const Body& body, Parameters* p) {
  const uint8_t* d = body.data;
  p->length = read32(d);
  p->profile = static_cast<int>(read16(d + 4));
  p->level = static_cast<int>(read16(d + 6));
  p->width = static_cast<int>(read16(d + 8));
  p->height = static_cast<int>(read16(d + 10));
  p->precinct_width = static_cast<int>(read16(d + 12));
  p->slice_precinct_rows = static_cast<int>(read16(d + 14));
  p->components = d[16];
  p->wavelet_bits = d[19];
  p->fraction_bits = d[20] >> 4;
  const int raw_bits = d[20] & 15, slice_order = d[21] >> 7, progression = (d[21] >> 4) & 7, transform = d[21] & 15;
  p->levels_x = d[22] >> 4;
  p->levels_y = d[22] & 15;
  p->long_headers = (d[23] >> 7) != 0;
  p->packet_raw = ((d[23] >> 6) & 1) != 0;
  const int quantizer = (d[23] >> 4) & 3, signs = (d[23] >> 2) & 3;
  p->run_mode = d[23] & 3;
  p->colour_transform = transform == 1;
  p->uniform_quantizer = quantizer == 1;
  p->separate_signs = signs == 1;
  if (p->width == 0) return expect("Wf", 0, "a width of at least 1");
  if (p->height == 0) return expect("Hf", 0, "a height of at least 1");
  if (p->slice_precinct_rows == 0) return expect("Hsl", 0, "a slice height of at least 1 precinct row");
  if (p->components != 1 && p->components != 3) return expect("Nc", p->components, "1 or 3 components");
  if (d[17] != kGroupSize) return expect("Ng", d[17], "4");
  if (d[18] != kSignificanceGroupSize) return expect("Ss", d[18], "8");
  if (raw_bits != 4) return expect("Br", raw_bits, "4");
  if (slice_order != 0) return expect("Fslc", slice_order, "0");
  if (progression != 0) return expect("Ppoc", progression, "0");
  if (transform > 1) return expect("Cpih", transform, "0 (none) or 1 (RCT)");
  if (quantizer > 1) return expect("Qpih", quantizer, "0 (deadzone) or 1 (uniform)");
  if (signs > 1) return expect("Fs", signs, "0 or 1");
  if (p->run_mode > 1) return expect("Rm", p->run_mode, "0 or 1");
  return {};
}

std::string read_components(const Body& body, Parameters* p) {
  for (int c = 0; c < p->components; ++c) {
    Component& component = p->component[c];
    component.depth = body.data[2 * c];
    component.sx = body.data[2 * c + 1] >> 4;
    component.sy = body.data[2 * c + 1] & 15;
    const std::string name = "B[" + std::to_string(c) + "]";
    if (component.depth < 8 || component.depth > 16) return expect(name.c_str(), component.depth, "8 to 16 bits a sample");
    if (component.depth != p->component[0].depth && p->fraction_bits == 0) {
      return expect(name.c_str(), component.depth, std::to_string(p->component[0].depth) + " as in component 0, since Fq is 0");
    }
    if (p->colour_transform && (component.sx != 1 || component.sy != 1)) {
      return "Cpih is 1 and component " + std::to_string(c) + " is subsampled, expected 4:4:4";
    }
  }
  const int depth = p->component[0].depth, bits = p->wavelet_bits, fraction = p->fraction_bits;
  if (!((bits == 20 && fraction == 8) || (bits == 18 && fraction == 6) || (bits == depth && fraction == 0))) {
    return "Bw is " + std::to_string(bits) + " and Fq " + std::to_string(fraction) + ", expected 20 and 8, 18 and 6, or " + std::to_string(depth) +
           " (the depth of the samples) and 0";
  }
  if (p->colour_transform && p->components != 3) return expect("Nc", p->components, "3 components, since Cpih is 1");
  return {};
}

std::string read_nonlinearity(const Body& body, Parameters* p) {
  Nonlinearity& n = p->nonlinearity;
  n.type = body.size == 0 ? 0 : body.data[0];
  const int expected = n.type == 1 ? 3 : (n.type == 2 ? 10 : 0);
  if (expected == 0) return expect("Tnlt", n.type, "1 (quadratic) or 2 (extended)");
  if (body.size != expected) return expect("length of NLT", body.size + 2, std::to_string(expected + 2) + " for type " + std::to_string(n.type));
  if (n.type == 1) {
    const int value = static_cast<int>(read16(body.data + 1));
    n.dco = (value & 0x7FFF) - (value & 0x8000);
    return {};
  }
  n.t1 = read32(body.data + 1);
  n.t2 = read32(body.data + 5);
  n.e = body.data[9];
  const uint32_t limit = (uint32_t{1} << p->wavelet_bits) - 1;
  if (n.t1 > limit) return expect("T1", n.t1, "at most " + std::to_string(limit) + " (Bw is " + std::to_string(p->wavelet_bits) + ")");
  if (n.t2 > limit) return expect("T2", n.t2, "at most " + std::to_string(limit) + " (Bw is " + std::to_string(p->wavelet_bits) + ")");
  if (n.e >= p->wavelet_bits) return expect("E", n.e, "less than Bw, " + std::to_string(p->wavelet_bits));
  return {};
}

// Where each segment that may come but once lies.
struct Segments {
  Body capabilities, picture, components, weights, nonlinearity;
};

std::string segment_error(const char* name, int length, int expected) {
  return std::string("length of ") + name + " is " + std::to_string(length) + ", expected " + std::to_string(expected);
}

// Walks over the segments and checks their lengths and order.
std::string find_segments(const uint8_t* data, std::size_t size, Segments* found, std::size_t* header_bytes) {
  const auto cut = [size](const char* what) { return "payload of " + std::to_string(size) + " bytes ends within " + what; };
  if (has_file_signature(data, size)) {
    return "payload is a JPEG XS file with boxes (ISO/IEC 21122-3), expected the codestream alone, which starts with SOC (ff10)";
  }
  if (size < 2) return cut("SOC");
  if (read16(data) != marker::kStart) return "payload starts with " + marker_text(static_cast<int>(read16(data))) + ", expected SOC (ff10)";
  int components = 0;
  for (std::size_t at = 2, count = 0;; ++count) {
    if (size - at < 2) return cut("its header");
    const int code = static_cast<int>(read16(data + at));
    if (count == 0 && code != marker::kCapabilities) return "SOC is followed by " + marker_text(code) + ", expected CAP (ff50)";
    if (count == 1 && code != marker::kPicture) return "CAP is followed by " + marker_text(code) + ", expected PIH (ff12)";
    if (code == marker::kSlice) {
      *header_bytes = at;
      return {};
    }
    if (size - at < 4) return cut("its header");
    const int length = static_cast<int>(read16(data + at + 2));
    if (length < 2) return "length of segment " + marker_text(code) + " is " + std::to_string(length) + ", expected at least 2";
    if (size - at - 2 < static_cast<std::size_t>(length)) return cut(("segment " + marker_text(code)).c_str());
    const Body body{data + at + 4, length - 2};
    Body* once = nullptr;
    int expected = length;
    const char* name = "";
    switch (code) {
      case marker::kCapabilities:
        once = &found->capabilities;
        name = "CAP";
        break;
      case marker::kPicture:
        once = &found->picture;
        name = "PIH";
        expected = 26;
        break;
      case marker::kComponents:
        once = &found->components;
        name = "CDT";
        expected = 2 + 2 * components;
        break;
      case marker::kWeights:
        once = &found->weights;
        name = "WGT";
        break;
      case marker::kNonlinearity:
        once = &found->nonlinearity;
        name = "NLT";
        break;
      case marker::kComment:
        if (length < 4) return "length of COM is " + std::to_string(length) + ", expected at least 4";
        break;
      case marker::kUndecomposed:
        name = "CWD";
        expected = 3;
        break;
      case marker::kStarTetrix:
        name = "CTS";
        expected = 4;
        break;
      case marker::kRegistration:
        name = "CRG";
        expected = 2 + 4 * components;
        break;
      default:
        return "marker " + marker_text(code) + " at byte " + std::to_string(at) + ", expected a header segment or SLH (ff20)";
    }
    if (length != expected) return segment_error(name, length, expected);
    if (once != nullptr) {
      if (once->data != nullptr) return std::string("second ") + name + " at byte " + std::to_string(at) + ", expected one";
      *once = body;
    }
    if (code == marker::kPicture) components = body.data[16];
    if (code == marker::kUndecomposed && body.data[0] != 0)
      return expect("Sd", body.data[0], "0: components without wavelet transform are not supported");
    at += 2 + static_cast<std::size_t>(length);
  }
}

}  // namespace

bool has_file_signature(const uint8_t* data, std::size_t size) {
  constexpr uint8_t kSignatureBox[] = {0, 0, 0, 12, 'J', 'X', 'S', ' ', 0x0D, 0x0A, 0x87, 0x0A};
  return size >= sizeof kSignatureBox && std::equal(kSignatureBox, kSignatureBox + sizeof kSignatureBox, data);
}

std::string marker_text(int code) {
  char text[8];
  std::snprintf(text, sizeof text, "%04x", static_cast<unsigned>(code) & 0xFFFF);
  return text;
}

bool has_magic(const uint8_t* data, std::size_t size) {
  return size >= 4 && read16(data) == marker::kStart && read16(data + 2) == marker::kCapabilities;
}

std::string parse_header(const uint8_t* data, std::size_t size, int64_t max_pixels, Parameters* parameters, std::size_t* header_bytes, bool partial) {
  *parameters = {};
  Segments found;
  std::string error = find_segments(data, size, &found, header_bytes);
  if (error.empty()) error = read_capabilities(found.capabilities, parameters);
  if (error.empty() && found.picture.data == nullptr) error = "PIH is missing";
  if (error.empty()) error = read_picture(found.picture, parameters);
  if (!error.empty()) return error;
  const int64_t pixels = int64_t{parameters->width} * parameters->height;
  if (pixels > max_pixels) {
    return "image has " + std::to_string(pixels) + " pixels (" + std::to_string(parameters->width) + "x" + std::to_string(parameters->height) +
           "), expected at most max_pixels = " + std::to_string(max_pixels);
  }
  if (found.components.data == nullptr) return "CDT is missing";
  if (found.weights.data == nullptr) return "WGT is missing";
  error = read_components(found.components, parameters);
  if (error.empty() && found.nonlinearity.data != nullptr) error = read_nonlinearity(found.nonlinearity, parameters);
  if (!error.empty()) return error;
  Geometry geometry;
  error = make_geometry(*parameters, &geometry);
  if (!error.empty()) return error;
  if (found.weights.size != 2 * geometry.bands) {
    return segment_error("WGT", found.weights.size + 2, 2 + 2 * geometry.bands) + " for " + std::to_string(geometry.bands) + " bands";
  }
  for (int b = 0; b < geometry.bands; ++b) {
    parameters->gain[b] = found.weights.data[2 * b];
    parameters->priority[b] = found.weights.data[2 * b + 1];
  }
  if (partial) return {};
  if (parameters->length != 0 && parameters->length > size)
    return expect("Lcod", parameters->length, "at most the payload's " + std::to_string(size) + " bytes");
  if (parameters->length != 0 && parameters->length < *header_bytes) {
    return expect("Lcod", parameters->length, "more than the header's " + std::to_string(*header_bytes) + " bytes, or 0");
  }
  return {};
}

}  // namespace plcv::jpegxs
