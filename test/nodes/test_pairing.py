# SPDX-License-Identifier: Apache-2.0
"""Truth and labels of one frame: by their header, and of frames that share it only where there is no doubt."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from plcv_ros.nodes.pairing import Pairing

STAMPS = {"zero": lambda _: 0, "twice": lambda i: i // 2, "jumping back": lambda i: i % 4, "good": lambda i: i}


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(STAMPS)), st.lists(st.sampled_from(["at once", "later", "dropped"]), max_size=20), st.integers(0, 1 << 30))
def test_no_labels_get_the_truth_of_another_frame(name: str, fates: list[str], seed: int) -> None:
    """Truth in the order of the frames, labels after it in theirs, some later than the next frames' truth."""
    chance, pairing, pairs = random.Random(seed), Pairing(100), []
    waiting: list[int] = []

    def send_labels() -> None:
        frame = waiting.pop(0)
        pairs.append(pairing.add_labels(STAMPS[name](frame), "front", frame))

    for frame, fate in enumerate(fates):
        assert pairing.add_truth(STAMPS[name](frame), "front", frame) is None
        if fate != "dropped":
            waiting.append(frame)
        while waiting and (fate == "at once" or chance.random() < 0.3):
            send_labels()
    while waiting:
        send_labels()
    known = [pair for pair in pairs if pair is not None]
    assert all(truth == labels for truth, labels in known)
    assert len(known) + pairing.unsure == len(fates) - fates.count("dropped")
    if name == "good" or set(fates) <= {"at once"}:
        assert pairing.unsure == 0


def told(pairing: Pairing, *messages: tuple[str, int, str, Any]) -> list[Any]:
    pairs = [(pairing.add_truth if kind == "truth" else pairing.add_labels)(stamp, frame_id, content) for kind, stamp, frame_id, content in messages]
    return [pair for pair in pairs if pair is not None]


def test_labels_may_come_before_the_truth_where_stamps_differ() -> None:
    pairing = Pairing(10)
    assert told(pairing, ("labels", 1, "a", "A"), ("labels", 2, "a", "B"), ("truth", 2, "a", "b"), ("truth", 1, "a", "a")) == [("b", "B"), ("a", "A")]
    assert told(pairing, ("labels", 3, "a", "C"), ("labels", 3, "a", "D"), ("truth", 3, "a", "c")) == []
    assert pairing.unsure == 2


def test_cameras_of_one_stamp_are_told_apart_by_their_names() -> None:
    pairing = Pairing(10)
    messages = [(kind, 5, name, name) for kind in ("truth", "labels") for name in ("left", "right")]
    assert told(pairing, *messages) == [("left", "left"), ("right", "right")]


def test_truth_of_another_source_has_another_frame_id() -> None:
    pairing = Pairing(10)
    messages = [(kind, stamp, name, stamp) for stamp in range(5) for kind, name in (("truth", "map"), ("labels", "camera"))]
    assert told(pairing, *messages) == [(stamp, stamp) for stamp in range(5)]


def test_memory_is_bounded() -> None:
    pairing = Pairing(10)
    for stamp in range(1000):
        pairing.add_truth(stamp, "a", None)
    assert len(pairing._stamps) == 10
