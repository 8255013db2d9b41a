# SPDX-License-Identifier: Apache-2.0
"""Types of the compiled module (csrc/bindings/)."""

from typing import Any

import numpy as np
import numpy.typing as npt

def simd_targets() -> list[str]: ...
def astc_blocks() -> list[tuple[int, int]]: ...
def astc_encode(
    image: npt.NDArray[np.uint8],
    width: int,
    height: int,
    pixel_format: int,
    block_x: int,
    block_y: int,
    grid_x: int,
    preset: int,
    threads: int,
    target: str,
    out: memoryview | None,
) -> Any: ...
def astc_header(payload: memoryview, max_pixels: int) -> tuple[int, int, int, int]: ...
def astc_decode(payload: memoryview, max_pixels: int, out: npt.NDArray[np.uint8], threads: int, target: str) -> int: ...
def jpegxs_header(payload: memoryview, max_pixels: int, partial: bool = ...) -> dict[str, Any]: ...
def jpegxs_slices(payload: memoryview, max_pixels: int) -> list[bool]: ...
def jpegxs_length(payload: memoryview, max_pixels: int) -> int: ...
def jpegxs_decode_planes(payload: memoryview, max_pixels: int, planes: list[npt.NDArray[Any]], threads: int, target: str) -> None: ...
def jpegxs_decode_pixels(
    payload: memoryview, max_pixels: int, out: npt.NDArray[np.uint8], colour: int, threads: int, target: str, partial: bool = ...
) -> None: ...
def jpegxs_encode(
    image: npt.NDArray[np.uint8],
    width: int,
    height: int,
    pixel_format: int,
    options: dict[str, Any],
    size: int,
    threads: int,
    target: str,
    out: memoryview | None,
) -> Any: ...
def jpegxs_encode_strip(
    image: npt.NDArray[np.uint8],
    width: int,
    height: int,
    pixel_format: int,
    options: dict[str, Any],
    size: int,
    first: int,
    last: int,
    target: str,
) -> bytes: ...
def jpegxs_slicing(width: int, height: int, pixel_format: int, options: dict[str, Any], size: int) -> tuple[int, int, int, int]: ...
def jpegxs_smallest(width: int, height: int, pixel_format: int, options: dict[str, Any]) -> int: ...
def jpegxs_default_weights(width: int, height: int, pixel_format: int, options: dict[str, Any]) -> tuple[list[int], list[int]]: ...
