// SPDX-License-Identifier: Apache-2.0
// What the bindings of all codecs share (module plcv_ros.codecs._native). The Python face checks arguments and raises CodecError; what is
// checked again here protects memory. The GIL is released while pixels are worked on.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "image_view.h"
#include "simd/targets.h"

namespace plcv::bindings {

namespace py = pybind11;

constexpr int kMaxSide = 16384;

// The image as the codecs see it; ValueError where array and announced shape differ or the format's number is above `last`.
ImageView image_view(const py::array& image, int width, int height, int format, PixelFormat last);

// The target by name; ValueError where this machine cannot run it.
simd::Target find_target(const std::string& name);

// Where a payload of known size goes: a new bytes object, or the writable buffer `out` of exactly that size (ValueError otherwise).
class PayloadBuffer {
 public:
  PayloadBuffer(const py::object& out, std::size_t size);
  uint8_t* data() const { return data_; }
  py::object object() const { return object_; }

 private:
  py::object object_;
  py::buffer_info buffer_;
  uint8_t* data_ = nullptr;
};

// One a codec, each in a file of its own.
void bind_astc(py::module_& m);
void bind_jpeg(py::module_& m);
void bind_jpegxs_decode(py::module_& m);
void bind_jpegxs_encode(py::module_& m);

}  // namespace plcv::bindings
