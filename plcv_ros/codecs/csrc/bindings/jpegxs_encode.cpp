// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>
#include <vector>

#include "bindings/bindings.h"
#include "jpegxs/encode/encode.h"

namespace plcv::bindings {
namespace {

namespace encoding = jpegxs::encoding;
using encoding::Options;
using encoding::Plan;

int number(const py::dict& options, const char* name, int first, int last) {
  const int value = options[name].cast<int>();
  if (value < first || value > last) throw py::value_error(std::string(name) + " is out of range");
  return value;
}

Options options_of(const py::dict& dict) {
  const auto flag = [&](const char* name) { return number(dict, name, 0, 1) != 0; };
  Options options;
  options.lossless = flag("lossless");
  options.rate_control = static_cast<encoding::RateControl>(number(dict, "rate_control", 0, 1));
  options.search = static_cast<encoding::Search>(number(dict, "search", 0, 2));
  options.precision = static_cast<encoding::Precision>(number(dict, "precision", 0, 2));
  options.levels_x = number(dict, "levels_x", 1, jpegxs::kMaxHorizontalLevels);
  options.levels_y = number(dict, "levels_y", 0, jpegxs::kMaxVerticalLevels);
  options.colour_transform = flag("colour_transform");
  options.significance = flag("significance");
  options.vertical_prediction = flag("vertical_prediction");
  options.raw_counts = flag("raw_counts");
  options.uniform_quantizer = flag("uniform_quantizer");
  options.separate_signs = flag("separate_signs");
  options.profile = number(dict, "profile", 0, 0xFFFF);
  const auto gains = dict["gains"].cast<py::list>(), priorities = dict["priorities"].cast<py::list>();
  if (gains.size() != priorities.size() || gains.size() > jpegxs::kMaxBands) throw py::value_error("gains and priorities do not match");
  options.weights = static_cast<int>(gains.size());
  for (std::size_t b = 0; b < gains.size(); ++b) {
    const int gain = gains[b].cast<int>(), priority = priorities[b].cast<int>();
    if (gain < 0 || gain > 15 || priority < 0 || priority > 254) throw py::value_error("a gain or priority is out of range");
    options.gain[b] = static_cast<uint8_t>(gain);
    options.priority[b] = static_cast<uint8_t>(priority);
  }
  return options;
}

Plan plan_of(int width, int height, PixelFormat format, const py::dict& options, int64_t bytes) {
  if (width < 1 || height < 1 || width > kMaxSide || height > kMaxSide) throw py::value_error("picture size is out of range");
  Plan plan;
  const std::string error = encoding::make_plan(width, height, format, options_of(options), bytes, &plan);
  if (!error.empty()) throw py::value_error(error);
  return plan;
}

py::object jpegxs_encode(const py::array& image, int width, int height, int format, const py::dict& options, int64_t bytes, int threads,
                         const std::string& target_name, const py::object& out) {
  const ImageView view = image_view(image, width, height, format, PixelFormat::yuyv8);
  const encoding::Kernels& kernels = encoding::kernels_for(find_target(target_name));
  const Plan plan = plan_of(width, height, view.format, options, bytes);
  if (plan.options.lossless) {
    std::vector<uint8_t> stream;
    {
      py::gil_scoped_release release;
      stream = encoding::encode_lossless(kernels, plan, view, threads);
    }
    return py::bytes(reinterpret_cast<const char*>(stream.data()), stream.size());
  }
  PayloadBuffer payload(out, static_cast<std::size_t>(bytes));
  {
    py::gil_scoped_release release;
    encoding::encode(kernels, plan, view, threads, payload.data());
  }
  return payload.object();
}

Plan plan_without_rate(int width, int height, int format, const py::dict& options) {
  if (format < 0 || format > static_cast<int>(PixelFormat::yuyv8)) throw py::value_error("unknown pixel format");
  const py::dict copy = options.attr("copy")();
  copy["lossless"] = true;
  return plan_of(width, height, static_cast<PixelFormat>(format), copy, 0);
}

// Slices [first, last) of a frame with the frame's headers, as a strip.
py::object jpegxs_encode_strip(const py::array& image, int width, int height, int format, const py::dict& options, int64_t bytes, int first, int last,
                               const std::string& target_name) {
  const ImageView view = image_view(image, width, height, format, PixelFormat::yuyv8);
  const encoding::Kernels& kernels = encoding::kernels_for(find_target(target_name));
  const Plan plan = plan_of(width, height, view.format, options, bytes);
  if (plan.options.lossless || plan.options.rate_control != encoding::RateControl::slice)
    throw py::value_error("strips need slices of a constant rate");
  if (first < 0 || first >= last || last > plan.geometry.slices) throw py::value_error("slices are out of range");
  PayloadBuffer payload(py::none(), static_cast<std::size_t>(encoding::strip_bytes(plan, first, last)));
  {
    py::gil_scoped_release release;
    encoding::encode_strip(kernels, plan, view, first, last, payload.data());
  }
  return payload.object();
}

// How frames of this size are cut: slices, rows of a slice, and the most bytes that a strip of one slice and each further slice take.
py::tuple jpegxs_slicing(int width, int height, int format, const py::dict& options, int64_t bytes) {
  if (format < 0 || format > static_cast<int>(PixelFormat::yuyv8)) throw py::value_error("unknown pixel format");
  const Plan plan = plan_of(width, height, static_cast<PixelFormat>(format), options, bytes);
  const int slices = plan.geometry.slices;
  // Shares are rounded: one more byte than the first one's may be needed.
  const int64_t one = encoding::strip_bytes(plan, 0, 1) + 1;
  const int64_t further = slices > 1 ? encoding::strip_bytes(plan, 0, 2) + 1 - encoding::strip_bytes(plan, 0, 1) : 0;
  return py::make_tuple(slices, plan.parameters.slice_precinct_rows * plan.geometry.precinct_lines, one, further);
}

// Bytes of the smallest codestream.
int64_t jpegxs_smallest(int width, int height, int format, const py::dict& options) {
  const Plan plan = plan_without_rate(width, height, format, options);
  return encoding::smallest_bytes(plan);
}

// Gains and priorities that the formula gives: two lists in order of b.
py::tuple jpegxs_default_weights(int width, int height, int format, const py::dict& options) {
  const Plan plan = plan_without_rate(width, height, format, options);
  py::list gains, priorities;
  for (int b = 0; b < plan.geometry.bands; ++b) {
    gains.append(plan.parameters.gain[b]);
    priorities.append(plan.parameters.priority[b]);
  }
  return py::make_tuple(gains, priorities);
}

}  // namespace

void bind_jpegxs_encode(py::module_& m) {
  m.def("jpegxs_encode", &jpegxs_encode);
  m.def("jpegxs_encode_strip", &jpegxs_encode_strip);
  m.def("jpegxs_slicing", &jpegxs_slicing);
  m.def("jpegxs_smallest", &jpegxs_smallest);
  m.def("jpegxs_default_weights", &jpegxs_default_weights);
}

}  // namespace plcv::bindings
