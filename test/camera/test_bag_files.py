# SPDX-License-Identifier: Apache-2.0
"""Which files of a recording are played: what the user named, whole, and nothing else."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("cv2", reason="OpenCV is not installed")
pytest.importorskip("rosbags", reason="rosbags is not installed")

import bags

from plcv_ros.camera import SourceError, open_source

STORAGES = ["mcap", "sqlite3"]


@pytest.mark.parametrize("storage", STORAGES)
def test_all_connections_of_a_topic_are_played(tmp_path: Path, storage: str) -> None:
    """A publisher that was started again with another QoS, and one with the same: each is a connection of its own."""
    messages = [(bags.TOPIC, bags.stamp(k), bags.image(bags.stamp(k), k), "first" if k < 4 else "second") for k in range(10)]
    connections = {"first": bags.qos(bags.RELIABLE), "second": bags.qos(bags.BEST_EFFORT)}
    bag = bags.write(tmp_path / "bag", messages, storage, connections=connections)
    assert bags.values(bag) == list(range(10))
    assert bags.values(bags.storage_file(bag)) == list(range(10))


@pytest.mark.parametrize("storage", STORAGES)
def test_connections_that_take_turns(tmp_path: Path, storage: str) -> None:
    messages = [(bags.TOPIC, bags.stamp(k), bags.image(bags.stamp(k), k), str(k % 3)) for k in range(9)]
    connections = {str(n): bags.qos(bags.RELIABLE, depth=n + 1) for n in range(3)}
    assert bags.values(bags.write(tmp_path / "bag", messages, storage, connections=connections)) == list(range(9))


@pytest.mark.parametrize("storage", STORAGES)
def test_a_named_file_is_that_file_alone(tmp_path: Path, storage: str) -> None:
    """Beside the metadata.yaml of another recording, and as one part of a split one."""
    one, two = (bags.write_images(tmp_path / name, values, storage) for name, values in (("one", range(3)), ("two", range(50, 55))))
    guest = one / f"guest{bags.storage_file(two).suffix}"
    shutil.copy(bags.storage_file(two), guest)
    assert bags.values(guest) == [50, 51, 52, 53, 54]
    assert bags.values(one) == [0, 1, 2]
    link = tmp_path / "link without a suffix"
    link.symlink_to(guest)
    assert bags.values(link) == [50, 51, 52, 53, 54]


def split(folder: Path, storage: str, parts: int = 11) -> list[Path]:
    """A recording in parts of two images, the tenth and later of which come before the second by the letters of their names."""
    folder.mkdir()
    files = []
    for n in range(parts):
        part = bags.write_images(folder / "part", (2 * n, 2 * n + 1), storage)
        file = bags.storage_file(part)
        files.append(file.rename(folder / f"run_{n}{file.suffix}"))
        shutil.rmtree(part)
    return files


def write_metadata(folder: Path, names: list[str]) -> None:
    listed = "".join(f"\n    - {name}" for name in names)
    (folder / "metadata.yaml").write_text(f"rosbag2_bagfile_information:\n  version: 5\n  relative_file_paths:{listed or ' []'}\n")


@pytest.mark.parametrize("storage", STORAGES)
def test_a_split_bag_is_one_recording(tmp_path: Path, storage: str) -> None:
    files = split(tmp_path / "bag", storage)
    assert bags.values(tmp_path / "bag") == list(range(22))
    assert bags.values(files[3]) == [6, 7]
    # What the metadata lists, in its order, and nothing that lies beside it. Older rosbag2 writes the folder's name too.
    write_metadata(tmp_path / "bag", [f"bag/{files[n].name}" for n in (4, 2, 10)])
    assert bags.values(tmp_path / "bag") == [8, 9, 4, 5, 20, 21]
    assert bags.values(tmp_path / "bag" / "metadata.yaml") == [8, 9, 4, 5, 20, 21]
    assert bags.values(files[3]) == [6, 7]


def test_recordings_of_the_same_time_are_merged(tmp_path: Path) -> None:
    (tmp_path / "bag").mkdir()
    for name, values in (("a", (0, 3, 4)), ("b", (1, 2, 5))):
        bags.storage_file(bags.write_images(tmp_path / name, values)).rename(tmp_path / "bag" / f"{name}.mcap")
    assert bags.values(tmp_path / "bag") == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("name", ["x.mcap", "x.db3", "X.MCAP", "X.Db3", "x.bag", "X.BAG", "日本 ?#%.mcap"])
def test_folders_without_metadata(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    file = folder / name
    if name.lower().endswith(".bag"):
        bags.write_ros1(tmp_path / "x.bag", range(3)).rename(file)
    else:
        bags.storage_file(bags.write_images(tmp_path / "bag", range(3), "sqlite3" if "3" in name else "mcap")).rename(file)
    (folder / "._hidden.mcap").write_bytes(b"what another system leaves beside a copy")
    assert bags.values(file) == [0, 1, 2]
    assert bags.values(folder) == [0, 1, 2]
    (folder / "metadata.yaml").write_text("camera: front\n")  # the user's own notes
    assert bags.values(folder) == [0, 1, 2]
    (folder / "metadata.yaml").write_text("")  # of a recorder that was killed
    assert bags.values(folder) == [0, 1, 2]
    write_metadata(folder, [])
    assert bags.values(folder) == [0, 1, 2]


@pytest.mark.parametrize(
    ("pattern", "replacement"),
    [
        ("storage_identifier: .*", 'storage_identifier: ""'),
        ("storage_identifier: .*", "storage_identifier: other"),
        ("depth: 5", "depth: 10"),
        ("history: .*", "history: whatever"),
        ("serialization_format: cdr", "serialization_format: other"),
        ("version: 9", "version: 99"),
        ("type_description_hash: .*", "type_description_hash: RIHS01_0"),
        ("(?m)^  message_count: .*", "  message_count: 0"),
        ("compression_mode: .*", "compression_mode: message"),
    ],
)
@pytest.mark.parametrize("storage", STORAGES)
def test_the_files_say_themselves_what_they_are(tmp_path: Path, storage: str, pattern: str, replacement: str) -> None:
    messages = [(bags.TOPIC, bags.stamp(k), bags.image(bags.stamp(k), k), "a") for k in range(3)]
    bag = bags.write(tmp_path / "bag", messages, storage, connections={"a": bags.qos(bags.RELIABLE)})
    metadata = bag / "metadata.yaml"
    changed = re.sub(pattern, replacement, metadata.read_text())
    assert changed != metadata.read_text()
    metadata.write_text(changed)
    assert bags.values(bag) == [0, 1, 2]
    assert bags.values(bags.storage_file(bag)) == [0, 1, 2]


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("mode", ["message", "file"])
def test_zstd(tmp_path: Path, storage: str, mode: str) -> None:
    bag = bags.write_images(tmp_path / "bag", range(5), storage, mode)
    file = bags.storage_file(bag)
    assert (file.suffix == ".zstd") == (mode == "file")
    assert bags.values(bag) == [0, 1, 2, 3, 4]
    assert bags.values(file) == [0, 1, 2, 3, 4]
    if mode == "file":
        short = file.rename(file.with_suffix(".ZST"))
        assert bags.values(short) == [0, 1, 2, 3, 4]
        assert bags.values(bag) == [0, 1, 2, 3, 4], "metadata.yaml lists the file by its other suffix"
    (bag / "metadata.yaml").unlink()
    assert bags.values(bag) == [0, 1, 2, 3, 4]


def test_zstd_inside_a_file(tmp_path: Path) -> None:
    assert bags.values(bags.write_images(tmp_path / "bag", range(5), compression="storage")) == [0, 1, 2, 3, 4]


def test_zstd_that_is_no_recording_or_damaged(tmp_path: Path) -> None:
    packed = bags.storage_file(bags.write_images(tmp_path / "bag", range(40), compression="file"))
    whole = packed.read_bytes()
    packed.write_bytes(whole[:20])
    with pytest.raises(SourceError, match=r"\.mcap\.zstd cannot be read as a ROS 2 bag: .*(zstd|nothing of it)"):
        open_source(str(packed))
    other = tmp_path / "film.mp4.zst"
    other.write_bytes(whole[:4] + b"no zstd")
    with pytest.raises(SourceError, match=r"film\.mp4\.zst cannot be read as a ROS 2 bag: its zstd data are damaged"):
        open_source(str(other))
    (tmp_path / "empty.zst").write_bytes(b"")
    with pytest.raises(SourceError, match="it is empty"):
        open_source(str(tmp_path / "empty.zst"))


def test_ros1_bags_are_played(tmp_path: Path) -> None:
    source, frames = bags.play(bags.write_ros1(tmp_path / "x.bag", range(4)))
    assert [frame.stamp_ns for frame in frames] == [bags.stamp(k) for k in range(4)]
    assert source.rate == pytest.approx(10.0)
    assert {(frame.frame_id, frame.camera_info.k[0] if frame.camera_info else 0) for frame in frames} == {("cam", 100.0)}
    assert bags.values(tmp_path / "x.bag") == [0, 1, 2, 3]


def test_ros1_bag_that_was_not_closed(tmp_path: Path) -> None:
    bag = bags.write_ros1(tmp_path / "x.bag", range(4))
    data = bag.read_bytes()
    position = data.index(b"index_pos=") + len(b"index_pos=")
    bag.write_bytes(data[:position] + bytes(8) + data[position + 8 :])
    with pytest.raises(SourceError, match=r"x\.bag cannot be read as a ROS 2 bag: a ROS 1 bag: .*rosbag reindex"):
        open_source(str(bag))


def test_what_is_not_clear_is_said(tmp_path: Path) -> None:
    parent, bag = tmp_path / "runs", tmp_path / "runs" / "morning"
    parent.mkdir()
    bags.write_images(bag, range(2))
    with pytest.raises(SourceError, match=r"runs holds 1 recordings in folders of their own \(morning\): name one"):
        open_source(str(parent))
    write_metadata(bag, ["evening.mcap"])
    with pytest.raises(SourceError, match=r"lists evening\.mcap, which is not there; the folder holds morning\.mcap.*ros2 bag reindex"):
        open_source(str(bag))
    (bag / "metadata.yaml").unlink()
    shutil.copy(bag / "morning.mcap", bag / "morning.db3")
    with pytest.raises(SourceError, match=r"holds morning\.db3, morning\.mcap, which seem to be one recording: name one"):
        open_source(str(bag))
    (bag / "morning.db3").unlink()
    (bag / "1.png").write_bytes(bags.coded(bags.picture(3), ".png"))
    with pytest.raises(SourceError, match=r"holds pictures and recordings \(morning\.mcap\)"):
        open_source(str(bag))
    (bag / "morning.mcap").unlink()
    (bag / "metadata.yaml").write_text("taken: in the morning\n")
    assert len(bags.play(bag)[1]) == 1, "a folder of pictures with the user's own metadata.yaml"
    write_metadata(bag, [])
    with pytest.raises(SourceError, match="lists no file of the recording"):
        open_source(str(bag))


@pytest.mark.parametrize(
    ("content", "reason"), [(b"", "it is empty"), (b"\0" * 5000, "neither MCAP nor"), (b"SQLite format 3\0" + bytes(900), "SQLite")]
)
@pytest.mark.parametrize("suffix", [".mcap", ".db3", ".bag", ".mcap.zst"])
def test_files_that_are_no_recording(tmp_path: Path, suffix: str, content: bytes, reason: str) -> None:
    file = tmp_path / f"x{suffix}"
    file.write_bytes(content)
    with pytest.raises(SourceError, match=rf"x{suffix} cannot be read as a ROS 2 bag: .*{reason}"):
        open_source(str(file))


def test_a_part_that_is_empty_is_told(tmp_path: Path) -> None:
    """The last file of a recorder that lost its power."""
    files = split(tmp_path / "bag", "mcap", 3)
    write_metadata(tmp_path / "bag", [file.name for file in files])
    files[2].write_bytes(b"")
    source, frames = bags.play(tmp_path / "bag")
    assert (len(frames), source.damaged, source.damage) == (4, 1, "run_2.mcap: it is empty")


# ---- MCAP as other tools and accidents leave it


@pytest.mark.parametrize("profile", ["ros2", "", "something"])
@pytest.mark.parametrize("loose", [False, True])
def test_channels_of_other_encodings(tmp_path: Path, profile: str, loose: bool) -> None:
    others = b"".join(
        bags.schema(key, name, encoding) + bags.channel(key, key, f"/{encoding}", encoding)
        for key, name, encoding in ((2, "foxglove.Log", "protobuf"), (3, "Thing", "json"), (4, "sensor_msgs/msg/Image", "flatbuffer"))
    )
    bare = bags.channel(5, 0, "/bare", "json")
    foreign = b"".join(bags.mcap_message(key, bags.stamp(0), b"{}") for key in (2, 3, 4, 5))
    content = others + bare + bags.IMAGE_CHANNEL + foreign + b"".join(bags.mcap_image(k) for k in range(5))
    file = bags.mcap(tmp_path / "x.mcap", content if loose else bags.chunk(content, bags.stamp(0), bags.stamp(4)), profile=profile)
    assert bags.values(file) == [0, 1, 2, 3, 4]
    with pytest.raises(SourceError, match=r"it holds .*/flatbuffer \(sensor_msgs/msg/Image in flatbuffer, 1 messages\), /json \(Thing in json, 1"):
        open_source(str(file), topic="/flatbuffer")


def test_ros1_messages_in_mcap(tmp_path: Path) -> None:
    """As `mcap convert` makes them of a .bag."""
    data = bytes(bags.ROS1.serialize_ros1(bags.image(bags.stamp(1), 7, store=bags.ROS1), "sensor_msgs/msg/Image"))
    content = bags.schema(1, "sensor_msgs/Image", "ros1msg") + bags.channel(1, 1, bags.TOPIC, "ros1") + bags.mcap_message(1, 5, data)
    _, frames = bags.play(bags.mcap(tmp_path / "x.mcap", content, profile="ros1"))
    assert [(int(frame.image[0, 0, 0]), frame.stamp_ns) for frame in frames] == [(7, bags.stamp(1))]


@pytest.mark.parametrize("whole", [2, 0])
def test_recorder_that_was_killed(tmp_path: Path, whole: int) -> None:
    chunks = [
        bags.chunk(bags.IMAGE_CHANNEL + bags.mcap_image(2 * n) + bags.mcap_image(2 * n + 1), bags.stamp(2 * n), bags.stamp(2 * n + 1))
        for n in range(3)
    ]
    file = bags.mcap(tmp_path / "x.mcap", *chunks, end=False)
    source, frames = bags.play(file)
    assert (len(frames), source.damaged) == (6, 1)
    assert "x.mcap: the file has no end" in source.damage
    file.write_bytes(file.read_bytes()[: -len(chunks[2]) // 2 - (2 - whole) * len(chunks[0])])
    if not whole:
        with pytest.raises(SourceError, match=r"cut off or damaged behind byte \d+ of \d+, and nothing of it can be read"):
            open_source(str(file))
        return
    source, frames = bags.play(file)
    assert (len(frames), source.damaged) == (2 * whole, 1)
    assert re.search(r"x\.mcap: the file is cut off or damaged behind byte \d+ of \d+", source.damage)


def test_recorder_that_was_killed_without_chunks(tmp_path: Path) -> None:
    content = bags.IMAGE_CHANNEL + b"".join(bags.mcap_image(k) for k in range(5))
    source, frames = bags.play(bags.mcap(tmp_path / "x.mcap", content[:-30], end=False))
    assert (len(frames), source.damaged) == (4, 1)


def test_a_damaged_chunk_costs_its_own_messages_alone(tmp_path: Path) -> None:
    chunks = [bytearray(bags.chunk(bags.IMAGE_CHANNEL + bags.mcap_image(k), bags.stamp(k), bags.stamp(k))) for k in range(5)]
    chunks[2][-5] ^= 1
    source, frames = bags.play(bags.mcap(tmp_path / "x.mcap", *map(bytes, chunks)))
    assert [int(frame.image[0, 0, 0]) for frame in frames] == [0, 1, 3, 4]
    assert (source.damaged, source.damage) == (1, "x.mcap: a chunk is damaged: its check sum is another")


@pytest.mark.parametrize("storage", STORAGES)
def test_every_message_of_a_damaged_file_is_played_or_counted(tmp_path: Path, storage: str) -> None:
    rng = np.random.default_rng(3)
    noise = [rng.integers(0, 256, bags.HEIGHT * bags.WIDTH * 3, np.uint8) for _ in range(30)]
    messages = [(bags.TOPIC, bags.stamp(k), bags.image(bags.stamp(k), data=data)) for k, data in enumerate(noise)]
    file = bags.storage_file(bags.write(tmp_path / "bag", messages, storage, "storage" if storage == "mcap" else ""))
    data = bytearray(file.read_bytes())
    middle = len(data) // 2 // 4096 * 4096
    data[middle : middle + 4096] = bytes(4096)
    file.write_bytes(data)
    source, frames = bags.play(file)
    assert 1 <= len(frames) < 30
    assert source.damaged >= 1
    assert "damaged" in source.damage
    if storage == "mcap":
        assert len(frames) + source.damaged == 30


def test_messages_are_played_by_time(tmp_path: Path) -> None:
    """Within a chunk and where chunks overlap, as those of several writers do."""
    chunks = [
        bags.chunk(bags.IMAGE_CHANNEL + b"".join(map(bags.mcap_image, order)), bags.stamp(min(order)), bags.stamp(max(order)))
        for order in ((4, 0, 2), (3, 1, 5), (6, 8), (7,))
    ]
    assert bags.values(bags.mcap(tmp_path / "x.mcap", *chunks)) == list(range(9))


# ---- anything


def recordings(folder: Path) -> dict[str, Path]:
    """One of each format, six images each."""
    chunks = [bags.chunk(bags.IMAGE_CHANNEL + bags.mcap_image(k), bags.stamp(k), bags.stamp(k)) for k in range(6)]
    return {
        "mcap": bags.storage_file(bags.write_images(folder / "a", range(6))),
        "mcap with zstd inside": bags.storage_file(bags.write_images(folder / "b", range(6), compression="storage")),
        "zstd": bags.storage_file(bags.write_images(folder / "c", range(6), compression="file")),
        "mcap without a summary": bags.mcap(folder / "d.mcap", *chunks),
        "mcap without chunks": bags.mcap(folder / "e.mcap", bags.IMAGE_CHANNEL, *map(bags.mcap_image, range(6))),
        "sqlite": bags.storage_file(bags.write_images(folder / "f", range(6), "sqlite3")),
        "ros1": bags.write_ros1(folder / "g.bag", range(6)),
    }


def damaged(whole: bytes, rng: np.random.Generator) -> bytes:
    """Cut off, bytes changed anywhere or where the format's own tables lie, bytes put in."""
    data = bytearray(whole)
    at = int(rng.integers(len(data)))
    kind = rng.choice(["cut", "zeros", "insert", "anywhere", "head", "tail"])
    if kind == "cut":
        return bytes(data[:at])
    if kind == "zeros":
        data[at : at + 200] = bytes(len(data[at : at + 200]))
    elif kind == "insert":
        data[at:at] = rng.bytes(int(rng.integers(1, 40)))
    else:
        low, high = {"anywhere": (0, len(data)), "head": (8, 300), "tail": (len(data) - 600, len(data))}[str(kind)]
        for place in rng.integers(low, high, 4):
            data[place] = int(rng.integers(256))
    return bytes(data)


def test_whatever_is_damaged_nothing_is_lost_in_silence(tmp_path: Path) -> None:
    rng = np.random.default_rng(11)
    for name, file in recordings(tmp_path).items():
        whole = file.read_bytes()
        target = tmp_path / f"damaged{file.suffix}"
        for k in range(40):
            target.write_bytes(damaged(whole, rng))
            try:
                source, frames = bags.play(target)
            except SourceError as error:
                assert str(target) in str(error), (name, k)
            else:
                assert len(frames) == 6 or source.damaged, (name, k, "frames are missing and nothing is said of it")
