// SPDX-License-Identifier: Apache-2.0
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

int64_t astc_decode(const py::buffer& payload, int64_t max_pixels, py::array_t<uint8_t> out, int threads, const std::string& target_name) {
  const astc::Kernels& kernels = astc::kernels_for(find_target(target_name));
  const py::buffer_info info = payload.request();
  const astc::Header header = checked_header(info, max_pixels);
  if (out.ndim() != 3 || out.shape(0) != header.height || out.shape(1) != header.width || out.shape(2) != 3)
    throw py::value_error("out does not have the shape of the image");
  uint8_t* pixels = out.mutable_data();
  const std::ptrdiff_t stride = header.height > 1 ? out.strides(0) : 0;
  py::gil_scoped_release release;
  return astc::decode(kernels, header, static_cast<const uint8_t*>(info.ptr) + astc::kHeaderBytes, pixels, stride, threads);
}

}  // namespace

void bind_astc(py::module_& m) {
  m.def("astc_blocks", &astc_blocks);
  m.def("astc_encode", &astc_encode);
  m.def("astc_header", &astc_header);
  m.def("astc_decode", &astc_decode);
}

}  // namespace plcv::bindings
