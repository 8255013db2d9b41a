// SPDX-License-Identifier: Apache-2.0
#include "bindings/bindings.h"

namespace plcv::bindings {

ImageView image_view(const py::array& image, int width, int height, int format, PixelFormat last) {
  if (format < 0 || format > static_cast<int>(last)) throw py::value_error("unknown pixel format");
  const PixelFormat pixel_format = static_cast<PixelFormat>(format);
  if (image.itemsize() != 1 || image.ndim() < 2 || image.shape(0) != height || image.shape(1) != width || width < 1 || height < 1 ||
      width > kMaxSide || height > kMaxSide || (image.ndim() == 3 ? image.shape(2) : 1) != bytes_per_pixel(pixel_format)) {
    throw py::value_error("image does not have the shape announced");
  }
  return {static_cast<const uint8_t*>(image.data()), height > 1 ? image.strides(0) : 0, width, height, pixel_format};
}

simd::Target find_target(const std::string& name) {
  simd::Target target;
  if (!simd::find(name, &target)) throw py::value_error("SIMD target " + name + " is not available");
  return target;
}

PayloadBuffer::PayloadBuffer(const py::object& out, std::size_t size) {
  if (out.is_none()) {
    // Bytes of an object that nobody else has seen yet may be written.
    object_ = py::reinterpret_steal<py::object>(PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(size)));
    if (!object_) throw py::error_already_set();
    data_ = reinterpret_cast<uint8_t*>(PyBytes_AS_STRING(object_.ptr()));
    return;
  }
  buffer_ = py::reinterpret_borrow<py::buffer>(out).request(true);
  if (buffer_.itemsize != 1 || buffer_.ndim != 1 || static_cast<std::size_t>(buffer_.size) != size)
    throw py::value_error("out does not have the size of the payload");
  data_ = static_cast<uint8_t*>(buffer_.ptr);
  object_ = out;
}

}  // namespace plcv::bindings
