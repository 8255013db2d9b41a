// SPDX-License-Identifier: Apache-2.0
// The module plcv_ros.codecs._native.
#include "bindings/bindings.h"

namespace {

pybind11::list simd_targets() {
  pybind11::list names;
  for (const plcv::simd::Target target : plcv::simd::available()) names.append(plcv::simd::name(target));
  return names;
}

}  // namespace

PYBIND11_MODULE(_native, m) {
  m.doc() = "Compiled part of plcv_ros.codecs; use the package, not this module.";
  m.def("simd_targets", &simd_targets);
  plcv::bindings::bind_astc(m);
  plcv::bindings::bind_jpeg(m);
  plcv::bindings::bind_jpegxs_decode(m);
  plcv::bindings::bind_jpegxs_encode(m);
}
