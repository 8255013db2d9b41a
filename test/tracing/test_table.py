# SPDX-License-Identifier: Apache-2.0
"""The frame table: joining, tolerance, counting, bounded memory, CSV."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import numpy as np
import pytest

from plcv_ros.tracing import CAMERA_EVENTS, REMOTE_EVENTS, STAGES, FrameEvent, FrameTable, join_source, split_source

MS = 1_000_000
START = 1_700_000_000_000_000_000
STEPS = {
    "captured": 0,
    "encode_start": 1,
    "encode_end": 3,
    "published": 4,
    "received": 9,
    "decode_start": 11,
    "decode_end": 14,
    "inference_end": 44,
    "labels_published": 45,
}


def events(i: int, until: str = "labels_published", dropped_by: str | None = None) -> list[FrameEvent]:
    """Events of frame ``i`` at 10 Hz up to ``until``."""
    start = START + i * 100 * MS
    result = []
    for name, ms in STEPS.items():
        node = "robot/camera" if name in CAMERA_EVENTS else "robot/segmentation"
        result.append(FrameEvent("cam", start, node, name, start + ms * MS))
        if name == until:
            break
    if dropped_by:
        result.append(FrameEvent("cam", start, dropped_by, "dropped", result[-1].time_ns + MS))
    return result


def fill(table: FrameTable, *lists: list[FrameEvent]) -> FrameTable:
    for one in lists:
        for event in one:
            table.add(event)
    return table


def mixed() -> list[FrameEvent]:
    result = [e for i in range(10) for e in events(i)]
    result += events(10, "captured", "robot/camera")
    result += events(11, "published")
    result += events(12, "published")
    result += events(13, "received", "robot/segmentation")
    return result


def test_stages_add_up_to_the_total() -> None:
    stages = fill(FrameTable(), *(events(i) for i in range(5))).summary().stages
    p50 = {name: s.p50 for name, s in stages.items()}
    assert p50 == {"queue": 1, "encode": 2, "publish": 1, "transport": 5, "wait": 2, "decode": 3, "inference": 30, "labels": 1, "total": 45}
    assert sum(v for k, v in p50.items() if k != "total") == p50["total"]
    assert list(p50) == list(STAGES)


def test_raw_images_and_nodes_without_decode_start_still_add_up() -> None:
    table = FrameTable()
    for i in range(4):
        fill(table, [e for e in events(i) if e.event not in {"encode_start", "encode_end", "decode_start"}])
    p50 = {name: s.p50 for name, s in table.summary().stages.items()}
    assert p50 == {"publish": 4, "transport": 5, "decode": 5, "inference": 30, "labels": 1, "total": 45}


def test_percentiles_are_numpys() -> None:
    table = FrameTable()
    rng = random.Random(1)
    values = [rng.uniform(1, 100) for _ in range(257)]
    for i, ms in enumerate(values):
        table.add(FrameEvent("cam", i, "camera", "captured", START))
        table.add(FrameEvent("cam", i, "segmentation", "labels_published", START + round(ms * MS)))
    total = table.summary().stages["total"]
    assert (total.p50, total.p95, total.p99) == pytest.approx(tuple(np.percentile(values, (50, 95, 99))), abs=1e-5)
    assert total.count == 257
    assert total.maximum == pytest.approx(max(values), abs=1e-5)


def test_what_became_of_the_frames() -> None:
    summary = fill(FrameTable(), mixed()).summary()
    assert (summary.captured, summary.published, summary.received, summary.segmented) == (14, 13, 11, 10)
    assert (summary.dropped_camera, summary.lost, summary.dropped_remote, summary.in_flight) == (1, 2, 1, 0)
    assert summary.dropped == 4
    assert summary.captured == summary.segmented + summary.dropped
    assert summary.rate == pytest.approx(10.0)
    assert summary.camera_nodes == ("robot/camera",)
    assert summary.remote_nodes == ("robot/segmentation",)


def decoded_by(node: str, i: int, until: str = "decode_end", dropped: bool = False) -> list[FrameEvent]:
    """Events of a frame in a run without a segmentation node."""
    start = START + i * 100 * MS
    names = [name for name in STEPS if STEPS[name] <= STEPS[until]]
    own = [FrameEvent("cam", start, "encoder" if n in CAMERA_EVENTS else node, n, start + STEPS[n] * MS) for n in names]
    return own + ([FrameEvent("cam", start, node, "dropped", own[-1].time_ns + MS)] if dropped else [])


def test_a_run_without_a_segmentation_node_ends_at_the_decoder() -> None:
    frames = [decoded_by("decoder", i) for i in range(10)]
    frames += [decoded_by("decoder", 10, "published"), decoded_by("decoder", 11, "received", dropped=True), decoded_by("decoder", 12, "decode_start")]
    table = fill(FrameTable(nodes=("encoder", "decoder")), *frames)
    summary = table.summary()
    assert summary.end == table.end == "decode_end"
    assert (summary.captured, summary.decoded, summary.segmented, summary.sent) == (13, 10, 0, 0)
    assert (summary.dropped_camera, summary.lost, summary.dropped_remote, summary.in_flight) == (0, 1, 2, 0)
    assert summary.finished == 10
    assert summary.rate == pytest.approx(10.0)
    assert summary.stages["total"].p50 == STEPS["decode_end"]
    assert table.outcomes() == ["decoded"] * 10 + ["lost", "dropped_remote", "dropped_remote"]


def test_a_decoder_beside_a_segmentation_node_changes_nothing() -> None:
    """The frames are followed to their labels, whichever of the two is quicker and whichever drops one."""
    table = fill(FrameTable(nodes=("robot/camera", "robot/segmentation", "decoder")), mixed())
    expected = fill(FrameTable(), mixed()).summary().as_dict()
    for i in range(12):
        fill(table, [event for event in decoded_by("decoder", i) if event.node == "decoder"])
    summary = table.summary().as_dict()
    differing = {key for key, value in summary.items() if value != expected[key]}
    assert differing == {"remote_nodes"}
    assert summary["remote_nodes"] == ("robot/segmentation", "decoder")


@pytest.mark.parametrize(
    ("nodes", "outcome"),
    [(("encoder",), "sent"), (("encoder", "segmentation"), "lost"), (("encoder", "decoder"), "lost"), ((), "lost")],
)
def test_published_frames_are_lost_where_a_node_that_should_receive_them_is_followed(nodes: tuple[str, ...], outcome: str) -> None:
    """A node that was never heard may be the one that should have received them; of a table without names nothing else is known."""
    frames = [decoded_by("", i, "published") for i in range(4)]
    frames += [decoded_by("", 4, "captured"), [*decoded_by("", 5, "published"), FrameEvent("cam", START + 500 * MS, "encoder", "dropped", START)]]
    table = fill(FrameTable(nodes=nodes), *frames)
    summary = table.summary().as_dict()
    assert (summary["captured"], summary[outcome], summary["dropped_camera"]) == (6, 4, 2)
    assert ("total" in summary["stages"]) == (outcome == "sent")


def test_frames_that_leave_a_full_table_keep_their_outcome() -> None:
    table = fill(FrameTable(max_frames=8, nodes=("encoder", "decoder")), *(decoded_by("decoder", i) for i in range(100)))
    assert (table.summary().captured, table.summary().decoded, table.summary().dropped) == (100, 100, 0)
    table = fill(FrameTable(max_frames=8, nodes=("encoder",)), *(decoded_by("", i, "published") for i in range(100)))
    assert (table.summary().captured, table.summary().sent, table.summary().dropped) == (100, 100, 0)


def test_any_order_and_duplicates_give_the_same_summary() -> None:
    expected = fill(FrameTable(), mixed()).summary()
    for seed in range(5):
        shuffled = mixed() * 2
        random.Random(seed).shuffle(shuffled)
        table = fill(FrameTable(), shuffled)
        summary = table.summary()
        assert summary.duplicates == len(mixed())
        assert {k: v for k, v in summary.as_dict().items() if k != "duplicates"} == {k: v for k, v in expected.as_dict().items() if k != "duplicates"}


def test_a_lost_event_does_not_make_a_frame_lost() -> None:
    for missing in STEPS:
        if missing == "labels_published":
            continue
        table = fill(FrameTable(), [e for e in events(0) if e.event != missing])
        summary = table.summary()
        assert (summary.captured, summary.published, summary.received, summary.segmented, summary.dropped) == (1, 1, 1, 1, 0), missing


def test_unfinished_frames_are_in_flight_while_they_are_young() -> None:
    table = fill(FrameTable(), *(events(i) for i in range(30)), events(3 + 30, "published"), events(34, "captured"))
    live = table.summary(settle_s=1.0)
    assert (live.in_flight, live.dropped) == (2, 0)
    final = table.summary()
    assert (final.in_flight, final.lost, final.dropped_camera) == (0, 1, 1)


def test_memory_is_bounded_and_old_frames_stay_counted() -> None:
    table = FrameTable(max_frames=16)
    for i in range(1000):
        fill(table, events(i, "published") if i % 10 == 9 else events(i))
    assert len(table) == 16
    summary = table.summary()
    assert (summary.captured, summary.published, summary.received, summary.segmented, summary.lost) == (1000, 1000, 900, 900, 100)
    assert summary.stages["total"].count == 16 - 2
    stamps = table.times().stamps
    assert list(stamps) == [START + i * 100 * MS for i in range(984, 1000)]


def test_durations_of_the_last_seconds_alone() -> None:
    table = fill(FrameTable(), *(events(i) for i in range(100)))
    recent = table.summary(recent_s=1.0)
    assert recent.stages["total"].count == 11
    assert recent.segmented == 100


def test_odd_events_are_counted_not_raised() -> None:
    table = FrameTable()
    table.add(FrameEvent("cam", 1, "camera", "sneezed", START))
    table.add(FrameEvent("cam", 1, "camera", "captured", 0))
    assert table.summary().unknown == 2
    for i in range(72):
        table.add(FrameEvent("cam", 1, f"node{i}", "captured", START))
    assert table.summary().unknown == 2 + 8
    assert len(table) == 1


def test_an_empty_table_has_a_summary(tmp_path: Path) -> None:
    summary = FrameTable().summary()
    assert summary.captured == summary.segmented == 0
    assert summary.stages == {}
    FrameTable().write_csv(tmp_path / "empty.csv")
    assert len((tmp_path / "empty.csv").read_text().splitlines()) == 1


def test_one_of_several_remote_nodes_is_followed() -> None:
    table = fill(FrameTable(), *(events(i) for i in range(6)))
    for i in range(6):
        for e in events(i, "inference_end"):
            if e.event in REMOTE_EVENTS:
                table.add(FrameEvent(e.frame_id, e.stamp_ns, "robot/decoder", e.event, e.time_ns - MS))
    assert table.summary().stages["transport"].p50 == 5
    assert table.summary().remote_nodes[0] == "robot/segmentation"
    other = FrameTable(remote="robot/decoder")
    other.add(FrameEvent("cam", 5, "robot/segmentation", "labels_published", START))
    assert other.summary().segmented == 0


def test_the_encoder_of_an_existing_camera_counts_as_camera_side() -> None:
    table = FrameTable()
    for e in events(0):
        node = "robot/encoder" if e.event in {"encode_start", "encode_end", "published"} else e.node
        table.add(FrameEvent(e.frame_id, e.stamp_ns, node, e.event, e.time_ns))
    summary = table.summary()
    assert set(summary.camera_nodes) == {"robot/camera", "robot/encoder"}
    assert summary.stages["total"].p50 == 45


def test_csv_has_a_line_a_frame(tmp_path: Path) -> None:
    table = fill(FrameTable(), mixed())
    path = tmp_path / "frames.csv"
    table.write_csv(path)
    with path.open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 14
    assert [r["outcome"] for r in rows].count("segmented") == 10
    assert float(rows[0]["total_ms"]) == 45.0
    assert int(rows[0]["captured_ns"]) == START
    assert rows[11]["outcome"] == "lost"
    assert rows[11]["total_ms"] == ""


def test_sources() -> None:
    assert split_source(join_source("/robot/camera", "captured")) == ("robot/camera", "captured")
    for bad in ("captured", "camera/", "camera/sneezed", ""):
        with pytest.raises(ValueError, match="expected <node>/<event>"):
            split_source(bad)


def test_max_frames_is_checked() -> None:
    with pytest.raises(ValueError, match="max_frames is 0"):
        FrameTable(max_frames=0)
