# SPDX-License-Identifier: Apache-2.0
"""Frames that share a stamp: each is counted once, whatever becomes of it and in whatever order the nodes tell of it."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plcv_ros.tracing import FrameEvent, FrameTable

MS = 1_000_000
START = 1_700_000_000_000_000_000
STAMPS = {
    "zero": lambda _: 0,
    "constant": lambda _: 7,
    "twice": lambda i: START + i // 2,
    "jumping back": lambda i: START + i % 7,
    "good": lambda i: START + i,
}
FATES = ("segmented", "dropped_camera", "lost", "dropped_remote")


def told_of(stamps: Any, fates: list[str], transit_ms: int, frame_id: str = "cam") -> tuple[list[FrameEvent], list[FrameEvent]]:
    """What a camera and a receiver tell of frames at 10 Hz: each in the order in which it notes it. A camera drops a frame when it has the next."""
    camera: list[tuple[int, FrameEvent]] = []
    remote: list[tuple[int, FrameEvent]] = []
    for i, fate in enumerate(fates):
        start = START + 100 * MS * i

        def note(log: list[tuple[int, FrameEvent]], node: str, event: str, ms: float, i: int = i, start: int = start) -> None:
            time = start + round(ms * MS)
            log.append((time, FrameEvent(frame_id, stamps(i), node, event, time)))

        for event, ms in (("captured", 0.0), ("encode_start", 1.0), ("encode_end", 3.0)):
            note(camera, "robot/camera", event, ms)
        if fate == "dropped_camera":
            note(camera, "robot/camera", "dropped", 100.5)
            continue
        note(camera, "robot/camera", "published", 3.5)
        if fate == "lost":
            continue
        note(remote, "robot/segmentation", "received", transit_ms + 3.5)
        if fate == "dropped_remote":
            note(remote, "robot/segmentation", "dropped", transit_ms + 5)
            continue
        for event, ms in (("decode_start", 4.0), ("decode_end", 6.0), ("inference_end", 30.0), ("labels_published", 31.0)):
            note(remote, "robot/segmentation", event, transit_ms + ms)
    return ([event for _, event in sorted(log, key=lambda told: told[0])] for log in (camera, remote))  # type: ignore[return-value]


def interleaved(camera: list[FrameEvent], remote: list[FrameEvent], chance: random.Random) -> list[FrameEvent]:
    """In bunches, as nodes send them: any of both sides, each in its order."""
    result: list[FrameEvent] = []
    left = [list(camera), list(remote)]
    while any(left):
        side = chance.choice(left)
        count = chance.randint(1, 40)
        result += side[:count]
        del side[:count]
    return result


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(STAMPS)),
    st.lists(st.sampled_from(FATES), min_size=1, max_size=30),
    st.sampled_from([1, 20, 90, 350]),
    st.integers(0, 1 << 30),
)
def test_every_frame_is_counted_once_by_its_fate(name: str, fates: list[str], transit_ms: int, seed: int) -> None:
    table = FrameTable()
    for event in interleaved(*told_of(STAMPS[name], fates, transit_ms), random.Random(seed)):
        table.add(event)
        table.add(event)  # doubled on its way
    summary, expected = table.summary(), Counter(fates)
    assert {fate: getattr(summary, fate) for fate in FATES} == {fate: expected[fate] for fate in FATES}
    assert summary.captured == len(fates) == len(table)
    assert summary.published == summary.received + summary.lost == len(fates) - expected["dropped_camera"]
    assert summary.stamps_repeated == len(fates) - len({STAMPS[name](i) for i in range(len(fates))})
    assert sum(len(table._nodes[node].nonzero()[0]) for node in table._nodes) == summary.duplicates


@pytest.mark.parametrize("name", sorted(STAMPS))
@pytest.mark.parametrize("transit_ms", [5, 90])
def test_latencies_are_those_of_each_frame(name: str, transit_ms: int) -> None:
    fates = ["segmented", "segmented", "lost", "segmented", "dropped_camera", "segmented", "dropped_remote", "segmented", "segmented"] * 5
    table = FrameTable()
    for log in told_of(STAMPS[name], fates, transit_ms):
        for event in log:
            table.add(event)
    stages = table.summary().stages
    assert stages["total"].count == 30
    assert (stages["transport"].p50, stages["transport"].maximum) == (transit_ms, transit_ms)
    assert (stages["total"].p50, stages["total"].maximum) == (transit_ms + 31, transit_ms + 31)


@pytest.mark.parametrize("max_frames", [1, 16, 200])
def test_memory_is_bounded_and_counts_are_kept(max_frames: int) -> None:
    table = FrameTable(max_frames=max_frames)
    camera, remote = told_of(STAMPS["zero"], ["segmented", "lost"] * 300, 5)
    for event in sorted([*camera, *remote], key=lambda event: event.time_ns):
        table.add(event)
    summary = table.summary()
    assert len(table) == max_frames
    assert (summary.captured, summary.segmented, summary.lost) == (600, 300, 300)


def test_cameras_with_one_stamp_and_names_of_their_own_are_two() -> None:
    table = FrameTable()
    for frame_id in ("left", "right"):
        for log in told_of(STAMPS["good"], ["segmented"] * 5, 5, frame_id):
            for event in log:
                table.add(event)
    summary = table.summary()
    assert (summary.captured, summary.segmented, summary.stamps_repeated) == (10, 10, 0)


def test_an_encoder_beside_the_camera_and_two_receivers_make_no_frames_of_their_own() -> None:
    table = FrameTable()
    for log in told_of(STAMPS["zero"], ["segmented"] * 20, 5):
        for event in log:
            table.add(event)
            if event.event == "captured":
                table.add(FrameEvent(event.frame_id, event.stamp_ns, "robot/encoder", "captured", event.time_ns + MS // 2))
            if event.event in {"received", "decode_start", "decode_end"}:
                table.add(FrameEvent(event.frame_id, event.stamp_ns, "robot/decoder", event.event, event.time_ns))
    summary = table.summary()
    assert (summary.captured, summary.segmented, summary.dropped) == (20, 20, 0)


def test_clocks_that_disagree_make_no_frames_more() -> None:
    table = FrameTable()
    camera, remote = told_of(STAMPS["constant"], ["segmented"] * 20, 5)
    for event in [*camera, *(FrameEvent(e.frame_id, e.stamp_ns, e.node, e.event, e.time_ns - 1000 * MS) for e in remote)]:
        table.add(event)
    summary = table.summary()
    assert (summary.captured, summary.segmented) == (20, 20)


def test_a_frame_that_has_begun_is_told_from_one_that_has_not() -> None:
    table = FrameTable()
    camera, remote = told_of(STAMPS["zero"], ["segmented"] * 3, 5)
    later_camera, later_remote = camera[8:], remote[10:]
    for event in [*camera[:8], *remote[:5]]:
        table.add(event)
    assert table.has(remote[5])
    assert not any(map(table.has, later_camera[:1]))
    for event in remote[5:10]:
        table.add(event)
    assert not table.has(later_remote[0])


def test_the_report_s_file_keeps_frames_apart(tmp_path: Path) -> None:
    table = FrameTable()
    for log in told_of(STAMPS["zero"], list(FATES) * 5, 5):
        for event in log:
            table.add(event)
    table.write_csv(tmp_path / "frames.csv")
    again = FrameTable.read_csv(tmp_path / "frames.csv", ["robot/camera"], ["robot/segmentation"])
    assert again.outcomes() == table.outcomes()
    assert again.summary().as_dict() == table.summary().as_dict() | {"duplicates": 0}


def test_a_recording_that_begins_again_is_followed_through_every_pass() -> None:
    """More names than are looked at together: what is known of a name is gathered from the table again."""
    fates = ["segmented", "lost", "dropped_camera", "dropped_remote", "segmented"] * 120
    table = FrameTable()
    camera, remote = told_of(lambda i: START + i % 200, fates, 90)
    for event in sorted([*camera, *remote], key=lambda event: event.time_ns):
        table.add(event)
        table.add(event)
    summary, expected = table.summary(), Counter(fates)
    assert {fate: getattr(summary, fate) for fate in FATES} == {fate: expected[fate] for fate in FATES}
    assert (summary.stages["transport"].maximum, summary.stages["total"].maximum) == (90, 121)
    assert summary.duplicates == len(camera) + len(remote)
    assert summary.stamps_repeated == 400


@pytest.mark.parametrize("name", ["zero", "good"])
def test_an_encoder_that_is_slower_than_the_camera_keeps_its_drops_apart(name: str) -> None:
    """Frames every 100 ms, 150 ms to encode each, a mailbox of one: told in the order in which the node notes it."""
    told: list[tuple[float, int, str, float]] = []
    waiting: int | None = None
    free_at, expected = 0.0, Counter[str]()
    for i in range(60):
        now = 100.0 * i
        if waiting is not None and free_at <= now:
            start, waiting, frame = max(free_at, 100.0 * waiting), None, waiting
            free_at = start + 150
            told += [
                (start, frame, "captured", 100.0 * frame),
                (free_at, frame, "encode_start", start + 1),
                (free_at, frame, "encode_end", free_at - 1),
            ]
            told.append((free_at, frame, "published", free_at))
            expected["lost"] += 1
        if waiting is not None:
            told += [(now, waiting, "captured", 100.0 * waiting), (now, waiting, "dropped", now)]
            expected["dropped_camera"] += 1
        waiting = i
    table = FrameTable()
    for _, frame, event, ms in sorted(told, key=lambda one: one[0]):
        table.add(FrameEvent("cam", STAMPS[name](frame), "encoder", event, START + round(ms * MS)))
    summary = table.summary()
    assert {fate: getattr(summary, fate) for fate in expected} == expected
    assert summary.captured == sum(expected.values()) == 59
    assert (summary.stages["encode"].p50, summary.stages["encode"].maximum, summary.stages["encode"].count) == (148, 148, expected["lost"])
