// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include "bindings/bindings.h"
#include "jpeg/repair.h"

namespace plcv::bindings {
namespace {

py::bytes jpeg_repaired(const py::buffer& payload) {
  const py::buffer_info bytes = payload.request();
  std::vector<uint8_t> repaired;
  std::string error;
  {
    const py::gil_scoped_release release;
    error = jpeg::repair(static_cast<const uint8_t*>(bytes.ptr), static_cast<std::size_t>(bytes.size * bytes.itemsize), &repaired);
  }
  if (!error.empty()) throw py::value_error(error);
  return py::bytes(reinterpret_cast<const char*>(repaired.data()), repaired.size());
}

}  // namespace

void bind_jpeg(py::module_& m) { m.def("jpeg_repaired", &jpeg_repaired, py::arg("payload")); }

}  // namespace plcv::bindings
