// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include "bindings/bindings.h"
#include "jpegxs/decode/decode.h"

namespace plcv::bindings {
namespace {

jpegxs::decoding::Codestream opened(const py::buffer_info& payload, int64_t max_pixels, bool partial = false) {
  jpegxs::decoding::Codestream codestream;
  const std::string error = jpegxs::decoding::open_codestream(
      static_cast<const uint8_t*>(payload.ptr), static_cast<std::size_t>(payload.size * payload.itemsize), max_pixels, &codestream, partial);
  if (!error.empty()) throw py::value_error(error);
  return codestream;
}

// Header fields by the standard's names, and what follows from them.
py::dict jpegxs_header(const py::buffer& payload, int64_t max_pixels, bool partial) {
  const jpegxs::decoding::Codestream codestream = opened(payload.request(), max_pixels, partial);
  const jpegxs::Parameters& p = codestream.parameters;
  const jpegxs::Geometry& g = codestream.geometry;
  py::dict fields;
  fields["cap"] = p.capabilities;
  fields["Lcod"] = p.length;
  fields["Ppih"] = p.profile;
  fields["Plev"] = p.level;
  fields["Wf"] = p.width;
  fields["Hf"] = p.height;
  fields["Cw"] = p.precinct_width;
  fields["Hsl"] = p.slice_precinct_rows;
  fields["Nc"] = p.components;
  fields["Ng"] = jpegxs::kGroupSize;
  fields["Ss"] = jpegxs::kSignificanceGroupSize;
  fields["Bw"] = p.wavelet_bits;
  fields["Fq"] = p.fraction_bits;
  fields["Br"] = 4;
  fields["Fslc"] = 0;
  fields["Ppoc"] = 0;
  fields["Cpih"] = p.colour_transform ? 1 : 0;
  fields["NLx"] = p.levels_x;
  fields["NLy"] = p.levels_y;
  fields["Lh"] = p.long_headers ? 1 : 0;
  fields["Rl"] = p.packet_raw ? 1 : 0;
  fields["Qpih"] = p.uniform_quantizer ? 1 : 0;
  fields["Fs"] = p.separate_signs ? 1 : 0;
  fields["Rm"] = p.run_mode;
  py::list depths, sx, sy, sizes, gains, priorities;
  for (int c = 0; c < p.components; ++c) {
    depths.append(p.component[c].depth);
    sx.append(p.component[c].sx);
    sy.append(p.component[c].sy);
    sizes.append(py::make_tuple(g.component_width[c], g.component_height[c]));
  }
  for (int b = 0; b < g.bands; ++b) {
    gains.append(p.gain[b]);
    priorities.append(p.priority[b]);
  }
  fields["B"] = py::tuple(depths);
  fields["sx"] = py::tuple(sx);
  fields["sy"] = py::tuple(sy);
  fields["G"] = py::tuple(gains);
  fields["P"] = py::tuple(priorities);
  fields["Tnlt"] = p.nonlinearity.type;
  fields["DCO"] = p.nonlinearity.dco;
  fields["T1"] = p.nonlinearity.t1;
  fields["T2"] = p.nonlinearity.t2;
  fields["E"] = p.nonlinearity.e;
  fields["component_sizes"] = py::tuple(sizes);
  fields["slices"] = g.slices;
  fields["precinct_rows"] = g.precinct_rows;
  fields["precinct_columns"] = g.precinct_columns;
  fields["header_bytes"] = codestream.header_bytes;
  return fields;
}

std::size_t jpegxs_length(const py::buffer& payload, int64_t max_pixels) {
  jpegxs::decoding::Codestream codestream = opened(payload.request(), max_pixels);
  std::vector<std::size_t> starts;
  const std::string error = jpegxs::decoding::find_slices(&codestream, &starts);
  if (!error.empty()) throw py::value_error(error);
  return codestream.size;
}

// Which slices of a partial codestream are there: a list of bools.
py::list jpegxs_slices(const py::buffer& payload, int64_t max_pixels) {
  const py::buffer_info info = payload.request();
  jpegxs::decoding::Codestream codestream = opened(info, max_pixels, true);
  std::vector<std::size_t> starts;
  const std::string error = jpegxs::decoding::find_slices(&codestream, &starts);
  if (!error.empty()) throw py::value_error(error);
  py::list present;
  for (const std::size_t start : starts) present.append(start != jpegxs::decoding::kMissingSlice);
  return present;
}

void run(const jpegxs::decoding::Codestream& codestream, const jpegxs::decoding::Destination& destination, int threads,
         const std::string& target_name) {
  const jpegxs::decoding::Kernels& kernels = jpegxs::decoding::kernels_for(find_target(target_name));
  std::string error;
  {
    py::gil_scoped_release release;
    error = jpegxs::decoding::decode(kernels, codestream, destination, threads);
  }
  if (!error.empty()) throw py::value_error(error);
}

// planes: one array a component, of its size, uint8 for depths of 8 bits and else uint16.
void jpegxs_decode_planes(const py::buffer& payload, int64_t max_pixels, const py::list& planes, int threads, const std::string& target_name) {
  const py::buffer_info info = payload.request();
  const jpegxs::decoding::Codestream codestream = opened(info, max_pixels);
  const jpegxs::Geometry& g = codestream.geometry;
  if (static_cast<int>(planes.size()) != codestream.parameters.components) throw py::value_error("planes are not as many as the components");
  jpegxs::decoding::Destination destination{};
  destination.pixels = false;
  for (int c = 0; c < codestream.parameters.components; ++c) {
    auto plane = py::reinterpret_borrow<py::array>(planes[static_cast<std::size_t>(c)]);
    const int bytes = codestream.parameters.component[c].depth > 8 ? 2 : 1;
    if (plane.ndim() != 2 || plane.shape(0) != g.component_height[c] || plane.shape(1) != g.component_width[c] || plane.itemsize() != bytes ||
        (plane.shape(1) > 1 && plane.strides(1) != bytes)) {
      throw py::value_error("a plane does not have the shape of its component");
    }
    destination.start[c] = static_cast<uint8_t*>(plane.mutable_data());
    destination.stride[c] = plane.shape(0) > 1 ? plane.strides(0) : 0;
  }
  run(codestream, destination, threads, target_name);
}

// partial: slices may be missing; what depends on them is unspecified.
void jpegxs_decode_pixels(const py::buffer& payload, int64_t max_pixels, py::array_t<uint8_t> out, int colour, int threads,
                          const std::string& target_name, bool partial) {
  const py::buffer_info info = payload.request();
  const jpegxs::decoding::Codestream codestream = opened(info, max_pixels, partial);
  const jpegxs::Parameters& p = codestream.parameters;
  if (out.ndim() != 3 || out.shape(0) != p.height || out.shape(1) != p.width || out.shape(2) != 3)
    throw py::value_error("out does not have the shape of the image");
  if ((p.width > 1 && out.strides(1) != 3) || out.strides(2) != 1) throw py::value_error("out does not have packed pixels");
  const bool grey = colour == static_cast<int>(jpegxs::decoding::Colour::grey) || colour == static_cast<int>(jpegxs::decoding::Colour::grey_limited);
  const bool subsampled = p.components > 1 && p.component[1].sx > 1;
  if (colour < 0 || colour >= jpegxs::decoding::kColours || grey != (p.components == 1) ||
      (subsampled && colour == static_cast<int>(jpegxs::decoding::Colour::rgb)))
    throw py::value_error("colour does not fit the components");
  jpegxs::decoding::Destination destination{};
  destination.pixels = true;
  destination.colour = static_cast<jpegxs::decoding::Colour>(colour);
  destination.start[0] = out.mutable_data();
  destination.stride[0] = p.height > 1 ? out.strides(0) : 0;
  run(codestream, destination, threads, target_name);
}

}  // namespace

void bind_jpegxs_decode(py::module_& m) {
  m.def("jpegxs_header", &jpegxs_header, py::arg(), py::arg(), py::arg("partial") = false);
  m.def("jpegxs_slices", &jpegxs_slices);
  m.def("jpegxs_length", &jpegxs_length);
  m.def("jpegxs_decode_planes", &jpegxs_decode_planes);
  m.def("jpegxs_decode_pixels", &jpegxs_decode_pixels, py::arg(), py::arg(), py::arg(), py::arg(), py::arg(), py::arg(), py::arg("partial") = false);
}

}  // namespace plcv::bindings
