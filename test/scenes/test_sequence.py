# SPDX-License-Identifier: Apache-2.0
"""Generated scenes: the same every time, labelled with every class, moving as one world, and something to bite on for a codec."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import numpy as np
import numpy.typing as npt
import pytest

cv2 = pytest.importorskip("cv2")

from plcv_ros.labels import CAMVID  # noqa: E402
from plcv_ros.scenes import SceneSequence  # noqa: E402

SEEDS = range(6)


def digest(*arrays: npt.NDArray[np.uint8]) -> str:
    return hashlib.sha256(b"".join(a.tobytes() for a in arrays)).hexdigest()


@pytest.fixture(scope="module")
def sequences() -> list[SceneSequence]:
    return [SceneSequence(640, 360, seed) for seed in SEEDS]


def test_frames_are_a_function_of_their_number() -> None:
    one, two = SceneSequence(320, 180, 3), SceneSequence(320, 180, 3)
    np.random.default_rng(0)
    forward = [digest(*one.frame(i)) for i in range(12)]
    backward = [digest(*two.frame(i)) for i in reversed(range(12))]
    assert forward == backward[::-1]
    assert len(set(forward)) == 12


def test_bytes_do_not_depend_on_opencv_threads() -> None:
    program = (
        "import cv2, hashlib, sys; cv2.setNumThreads(1)\n"
        "from plcv_ros.scenes import SceneSequence\n"
        "print(hashlib.sha256(b''.join(a.tobytes() for a in SceneSequence(640, 360, 2).frame(9))).hexdigest())"
    )
    alone = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60).stdout.strip()
    assert alone == digest(*SceneSequence(640, 360, 2).frame(9))


def test_another_seed_is_another_street(sequences: list[SceneSequence]) -> None:
    frames = [sequence.frame(0)[0].astype(int) for sequence in sequences]
    for k, frame in enumerate(frames):
        assert all(np.abs(frame - other).mean() > 10 for other in frames[:k])


def test_rate_sets_the_time_between_frames() -> None:
    slow, fast = SceneSequence(320, 180, 1, rate=10), SceneSequence(320, 180, 1, rate=30)
    # the same instant: the same world, other sensor noise
    assert (slow.frame(10)[1] == fast.frame(30)[1]).all()
    assert np.abs(slow.frame(10)[0].astype(int) - fast.frame(30)[0]).mean() < 12


@pytest.mark.parametrize("size", [(160, 90), (480, 360), (641, 363), (1280, 720), (1920, 1080), (90, 160), (32, 32), (1200, 100)])
def test_any_size(size: tuple[int, int]) -> None:
    sequence = SceneSequence(*size, seed=1)
    image, labels = sequence.frame(5)
    assert (image.shape, image.dtype) == ((size[1], size[0], 3), np.uint8)
    assert (labels.shape, labels.dtype) == ((size[1], size[0]), np.uint8)
    assert image.flags.c_contiguous
    assert labels.max() < len(CAMVID)
    assert sequence.camera.width == size[0]


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="16x360"):
        SceneSequence(16, 360)
    with pytest.raises(ValueError, match="seed -1"):
        SceneSequence(seed=-1)
    with pytest.raises(ValueError, match="rate 0"):
        SceneSequence(rate=0)


def test_every_class_is_there_often() -> None:
    counts = []
    for seed in range(12):
        sequence = SceneSequence(480, 360, seed)
        counts += [np.bincount(sequence.frame(i)[1].ravel(), minlength=len(CAMVID)) for i in (0, 75, 150, 300)]
    shares = np.array(counts) / (480 * 360)
    present = (np.array(counts) > 30).mean(0)
    mean = 100 * shares.mean(0)
    for k, name in enumerate(CAMVID.classes):
        assert present[k] > (0.95 if name in {"sky", "road", "building", "tree", "pole"} else 0.6), name
    # the ballpark of CamVid's own shares (per cent of all pixels)
    expected = {
        "sky": (8, 30), "building": (10, 35), "pole": (0.5, 3.5), "road": (22, 42), "pavement": (3, 12), "tree": (4, 18),
        "sign": (0.4, 3), "fence": (0.8, 6), "car": (1.5, 12), "pedestrian": (0.4, 3), "bicyclist": (0.2, 3),
    }  # fmt: skip
    for name, (low, high) in expected.items():
        assert low < mean[CAMVID.index(name)] < high, (name, mean)


def test_sky_above_and_road_below(sequences: list[SceneSequence]) -> None:
    for sequence in sequences:
        image, labels = sequence.frame(30)
        assert (labels[-20:, 220:420] == CAMVID.index("road")).mean() > 0.8
        assert (labels[250:] == CAMVID.index("sky")).sum() == 0
        assert image[labels == CAMVID.index("sky")].mean() > 1.5 * image[labels == CAMVID.index("road")].mean()


def test_the_camera_drives_forward(sequences: list[SceneSequence]) -> None:
    flow_of = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    columns = np.arange(640)[None] - 320
    for sequence in sequences:
        grey = [cv2.cvtColor(sequence.frame(i)[0], cv2.COLOR_RGB2GRAY) for i in (20, 21)]
        labels = sequence.frame(20)[1]
        flow = flow_of.calc(*grey, None)
        pavement = (labels == CAMVID.index("pavement")) | (labels == CAMVID.index("building"))
        outward = (flow[..., 0] * np.sign(columns))[pavement & (np.abs(columns) > 120)]
        assert np.median(outward) > 0.3  # away from the vanishing point


def test_labels_follow_from_frame_to_frame(sequences: list[SceneSequence]) -> None:
    for sequence in sequences[:3]:
        labels = [sequence.frame(i)[1] for i in (60, 61, 105)]
        assert (labels[0] == labels[1]).mean() > 0.85
        assert (labels[0] == labels[1]).mean() > (labels[0] == labels[2]).mean() + 0.02


def test_labels_meet_the_picture_at_edges(sequences: list[SceneSequence]) -> None:
    """At sky edges, the picture changes where the labels do, to the pixel."""
    for sequence in sequences[:3]:
        image, labels = sequence.frame(50)
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(int)
        sky = labels == CAMVID.index("sky")
        building = labels == CAMVID.index("building")
        at = sky[:-1] & building[1:]
        step = np.abs(grey[1:] - grey[:-1])
        assert np.median(step[at]) > 3 * np.median(step[sky[:-1] & sky[1:]]) + 4


def test_light_changes_and_noise(sequences: list[SceneSequence]) -> None:
    sequence = sequences[0]
    means = [float(sequence.frame(i)[0][300:].mean()) for i in range(0, 300, 30)]
    assert np.ptp(means) > 3
    moods = {SceneSequence(64, 64, seed)._mood.name for seed in range(16)}
    assert moods == {"sunny", "bright", "overcast", "dusk"}


def test_a_codec_has_something_to_bite_on(sequences: list[SceneSequence]) -> None:
    simplejpeg = pytest.importorskip("simplejpeg")
    codecs = pytest.importorskip("plcv_ros.codecs")
    codec = codecs.make_codec("astc", block=(8, 8), preset="paper")
    for sequence in sequences:
        for index in (0, 120):
            image, _ = sequence.frame(index)
            bits = 8 * len(simplejpeg.encode_jpeg(image, quality=90, colorspace="RGB", colorsubsampling="420")) / (640 * 360)
            error = codecs.decode(codec.encode(image)).astype(float) - image
            psnr = 10 * np.log10(255**2 / (error**2).mean())
            assert 1 < bits < 3, (sequence.seed, index)
            assert 26 < psnr < 33, (sequence.seed, index)
