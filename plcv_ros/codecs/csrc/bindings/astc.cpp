// SPDX-License-Identifier: Apache-2.0
#include <iterator>
#include <numeric>
#include <string>

#include "astc/decode.h"
#include "astc/encode.h"
#include "astc/header.h"
#include "bindings/bindings.h"

namespace plcv::bindings {
namespace {

py::list astc_blocks() {
  py::list blocks;
  for (const astc::BlockMode& mode : astc::kBlockModes) {
    if (mode.has_paper()) blocks.append(py::make_tuple(mode.block_x, mode.block_y));
  }
  return blocks;
}

py::object astc_encode(const py::array& image, int width, int height, int format, int block_x, int block_y, int grid_x, int preset, int threads,
                       const std::string& target_name, const py::object& out) {
  const ImageView view = image_view(image, width, height, format, PixelFormat::mono8);
  const astc::Kernels& kernels = astc::kernels_for(find_target(target_name));
  const int mode = astc::block_mode_of_grid(block_x, block_y, grid_x);
  if (mode < 0) throw py::value_error("unknown block mode");
  if (preset < 0 || preset >= astc::kPresets || kernels.mode[mode].encode[preset] == nullptr) throw py::value_error("unknown preset");
  const std::size_t size = static_cast<std::size_t>(astc::Header{block_x, block_y, width, height}.payload_bytes());
  PayloadBuffer payload(out, size);
  {
    py::gil_scoped_release release;
    astc::encode(kernels, view, mode, static_cast<astc::Preset>(preset), threads, payload.data());
  }
  return payload.object();
}

astc::Header checked_header(const py::buffer_info& payload, int64_t max_pixels) {
  astc::Header header{};
  const std::string error =
      astc::parse_header(static_cast<const uint8_t*>(payload.ptr), static_cast<std::size_t>(payload.size * payload.itemsize), max_pixels, &header);
  if (!error.empty()) throw py::value_error(error);
  return header;
}

py::tuple astc_header(const py::buffer& payload, int64_t max_pixels) {
  const astc::Header header = checked_header(payload.request(), max_pixels);
  return py::make_tuple(header.block_x, header.block_y, header.width, header.height);
}

// Rows of pixels to decode into, for the image that a header announces.
struct Target {
  uint8_t* pixels;
  std::ptrdiff_t stride;

  Target(py::array_t<uint8_t>& out, const astc::Header& header) {
    if (out.ndim() != 3 || out.shape(0) != header.height || out.shape(1) != header.width || out.shape(2) != 3)
      throw py::value_error("out does not have the shape of the image");
    pixels = out.mutable_data();
    stride = header.height > 1 ? out.strides(0) : 0;
  }
};

const uint8_t* blocks_of(const py::buffer_info& payload) { return static_cast<const uint8_t*>(payload.ptr) + astc::kHeaderBytes; }

int64_t astc_decode(const py::buffer& payload, int64_t max_pixels, py::array_t<uint8_t> out, int threads, const std::string& target_name) {
  const astc::Kernels& kernels = astc::kernels_for(find_target(target_name));
  const py::buffer_info info = payload.request();
  const astc::Header header = checked_header(info, max_pixels);
  const Target target(out, header);
  py::gil_scoped_release release;
  return astc::decode(kernels, header, blocks_of(info), target.pixels, target.stride, threads);
}

py::dict astc_survey(const py::buffer& payload, int64_t max_pixels) {
  const py::buffer_info info = payload.request();
  const astc::Header header = checked_header(info, max_pixels);
  astc::Survey survey;
  {
    py::gil_scoped_release release;
    survey = astc::survey(header, blocks_of(info));
  }
  py::dict result;
  result["pruned"] = std::accumulate(std::begin(survey.pruned), std::end(survey.pruned), int64_t{0});
  result["general"] = survey.general;
  result["hdr"] = survey.hdr;
  result["error"] = survey.error;
  result["first_other"] = survey.first_other;
  result["first_refused"] = survey.first_refused;
  result["refused_is_hdr"] = survey.refused.kind == astc::BlockKind::hdr;
  result["reason"] = survey.refused.reason == nullptr ? "" : survey.refused.reason;
  return result;
}

int64_t astc_decode_general(const py::buffer& payload, int64_t max_pixels, py::array_t<uint8_t> out, int threads, const std::string& target_name) {
  const astc::Kernels& kernels = astc::kernels_for(find_target(target_name));
  const py::buffer_info info = payload.request();
  const astc::Header header = checked_header(info, max_pixels);
  const Target target(out, header);
  py::gil_scoped_release release;
  const astc::Survey survey = astc::survey(header, blocks_of(info));
  if (survey.first_refused >= 0) return -1;
  return astc::decode_general(kernels, header, survey, blocks_of(info), target.pixels, target.stride, threads);
}

}  // namespace

void bind_astc(py::module_& m) {
  m.def("astc_blocks", &astc_blocks);
  m.def("astc_encode", &astc_encode);
  m.def("astc_header", &astc_header);
  m.def("astc_decode", &astc_decode);
  m.def("astc_survey", &astc_survey);
  m.def("astc_decode_general", &astc_decode_general);
}

}  // namespace plcv::bindings
