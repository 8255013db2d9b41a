# SPDX-License-Identifier: Apache-2.0
"""Every valid test vector decodes bit for bit, on every instruction set and number of threads; every invalid one is refused."""

from __future__ import annotations

from typing import Any

import pytest
from vectors import INVALID, VALID, digest, payload

from plcv_ros.codecs import CodecError, jpegxs, simd_targets


@pytest.fixture(params=simd_targets())
def target(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLCV_SIMD", request.param)


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("vector", VALID, ids=lambda v: v["file"])
def test_valid(vector: dict[str, Any], threads: int, target: None) -> None:
    codestreams = jpegxs.split(payload(vector["file"]))
    assert len(codestreams) == vector["frames"]
    frames = [jpegxs.decode_planes(codestream, threads=threads) for codestream in codestreams]
    assert [list(plane.shape[::-1]) for plane in frames[0]] == vector["plane_sizes"]
    assert [digest([plane]) for plane in frames[0]] == vector["sha256_planes"]
    assert digest(plane for frame in frames for plane in frame) == vector["sha256"]


REASONS = {
    "x01_truncated.jxs": r"Lcod is 2304, expected at most the payload's 1500 bytes",
    "x02_lprc_too_long.jxs": r"Lprc of precinct 0 of row 0 is \d+, expected",
    "x03_vpred_first_row.jxs": r"row 0: D of band \d+ is [13], expected 0 or 2 in the first precinct row of a slice",
    "x04_wgt_too_short.jxs": r"length of WGT is 60, expected 62 for 30 bands",
    "x05_unary_overrun.jxs": r"Ldat is \d+, expected at least \d+ bytes in the packet of line 0 of bands 0 to 11",
}


@pytest.mark.parametrize("vector", INVALID, ids=lambda v: v["file"])
def test_invalid(vector: dict[str, Any], target: None) -> None:
    for decode in (jpegxs.decode_planes, jpegxs.decode):
        with pytest.raises(CodecError, match=REASONS[vector["file"]]):
            decode(payload(vector["file"]))


@pytest.mark.parametrize("vector", VALID, ids=lambda v: v["file"])
def test_header(vector: dict[str, Any]) -> None:
    fields = jpegxs.header(payload(vector["file"]))
    names = ("Cpih", "NLx", "NLy", "Hsl", "Bw", "Fq", "Qpih", "Fs", "Rm", "Rl", "Lh", "Cw", "Tnlt", "Lcod")
    assert {name: fields[name] for name in names} == {name: vector[name] for name in names}
    assert (fields["Wf"], fields["Hf"], fields["Nc"]) == (vector["width"], vector["height"], vector["components"])
    assert fields["B"] == (vector["bit_depth"],) * vector["components"]
    assert [list(size) for size in fields["component_sizes"]] == vector["plane_sizes"]
