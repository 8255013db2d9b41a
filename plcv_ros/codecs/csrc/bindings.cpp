// SPDX-License-Identifier: Apache-2.0
// Python bindings (module plcv_ros.codecs._native). The Python face checks arguments and raises CodecError; what is checked again
// here protects memory. The GIL is released while pixels are worked on.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <string>

#include "astc/decode.h"
#include "astc/encode.h"
#include "astc/header.h"
#include "image_view.h"
#include "simd/targets.h"

namespace py = pybind11;

namespace {

using namespace plcv;

ImageView image_view(const py::array& image, int width, int height, int format) {
  if (format < 0 || format > static_cast<int>(PixelFormat::mono8)) throw py::value_error("unknown pixel format");
  const PixelFormat pixel_format = static_cast<PixelFormat>(format);
  if (image.itemsize() != 1 || image.ndim() < 2 || image.shape(0) != height || image.shape(1) != width || width < 1 || height < 1 ||
      width > astc::kMaxSide || height > astc::kMaxSide || (image.ndim() == 3 ? image.shape(2) : 1) != bytes_per_pixel(pixel_format)) {
    throw py::value_error("image does not have the shape announced");
  }
  return {static_cast<const uint8_t*>(image.data()), height > 1 ? image.strides(0) : 0, width, height, pixel_format};
}

const astc::Kernels& target_kernels(const std::string& target) {
  const astc::Kernels* kernels = simd::find(target);
  if (kernels == nullptr) throw py::value_error("SIMD target " + target + " is not available");
  return *kernels;
}

py::list simd_targets() {
  py::list names;
  for (const astc::Kernels* kernels : simd::available()) names.append(kernels->name);
  return names;
}

py::list astc_blocks() {
  py::list blocks;
  for (const astc::BlockMode& mode : astc::kBlockModes) blocks.append(py::make_tuple(mode.block_x, mode.block_y));
  return blocks;
}

py::object astc_encode(const py::array& image, int width, int height, int format, int block_x, int block_y, int preset, int threads,
                       const std::string& target_name, const py::object& out) {
  const ImageView view = image_view(image, width, height, format);
  const astc::Kernels& kernels = target_kernels(target_name);
  const int mode = astc::find_block_mode(block_x, block_y);
  if (mode < 0) throw py::value_error("unknown block mode");
  if (preset < 0 || preset >= astc::kPresets) throw py::value_error("unknown preset");
  const std::size_t size = static_cast<std::size_t>(astc::Header{block_x, block_y, width, height}.payload_bytes());
  py::object result;
  uint8_t* target = nullptr;
  py::buffer_info buffer;
  if (out.is_none()) {
    // Bytes of an object that nobody else has seen yet may be written.
    result = py::reinterpret_steal<py::object>(PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(size)));
    if (!result) throw py::error_already_set();
    target = reinterpret_cast<uint8_t*>(PyBytes_AS_STRING(result.ptr()));
  } else {
    buffer = py::reinterpret_borrow<py::buffer>(out).request(true);
    if (buffer.itemsize != 1 || buffer.ndim != 1 || static_cast<std::size_t>(buffer.size) != size)
      throw py::value_error("out does not have the size of the payload");
    target = static_cast<uint8_t*>(buffer.ptr);
    result = out;
  }
  {
    py::gil_scoped_release release;
    astc::encode(kernels, view, mode, static_cast<astc::Preset>(preset), threads, target);
  }
  return result;
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
  const astc::Kernels& kernels = target_kernels(target_name);
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

PYBIND11_MODULE(_native, m) {
  m.doc() = "Compiled part of plcv_ros.codecs; use the package, not this module.";
  m.def("simd_targets", &simd_targets);
  m.def("astc_blocks", &astc_blocks);
  m.def("astc_encode", &astc_encode);
  m.def("astc_header", &astc_header);
  m.def("astc_decode", &astc_decode);
}
