# SPDX-License-Identifier: Apache-2.0
"""Cityscapes, folders of labels, scenes kept as files, and folders of classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

cv2 = pytest.importorskip("cv2")

from plcv_ros.labels import CITYSCAPES, IGNORE_INDEX  # noqa: E402
from plcv_ros.training.datasets import open_dataset  # noqa: E402


def write(path: Path, picture: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), picture)


def test_cityscapes_layout(tmp_path: Path) -> None:
    for split, city, ids in (("train", "aachen", (7, 26)), ("train", "bochum", (3, 33)), ("val", "ulm", (11, 0))):
        image = np.zeros((8, 16, 3), np.uint8)
        image[:, 8:] = (10, 20, 30)
        labels = np.full((8, 16), ids[0], np.uint8)
        labels[:, 8:] = ids[1]
        write(tmp_path / "leftImg8bit" / split / city / f"{city}_000000_000019_leftImg8bit.png", image)
        write(tmp_path / "gtFine" / split / city / f"{city}_000000_000019_gtFine_labelIds.png", labels)
    train = open_dataset(f"cityscapes={tmp_path}")
    assert len(train) == 2
    assert train.label_set == CITYSCAPES
    image, labels = train[0]
    assert tuple(image[0, 15]) == (30, 20, 10)
    assert (labels[0, 0], labels[0, 15]) == (CITYSCAPES.index("road"), CITYSCAPES.index("car"))
    assert train[1][1][0].tolist() == [IGNORE_INDEX] * 8 + [CITYSCAPES.index("bicycle")] * 8
    for wish in ("held-out", "test"):
        assert open_dataset(f"cityscapes={tmp_path}", split=wish).name == "cityscapes val"
    shrunk, small = open_dataset(f"cityscapes={tmp_path},height=4")[0]
    assert shrunk.shape == (4, 8, 3)
    assert small.shape == (4, 8)
    with pytest.raises(ValueError, match="split 'fit'"):
        open_dataset(f"cityscapes={tmp_path},split=fit")


def test_folder_labels_are_class_ids(tmp_path: Path) -> None:
    write(tmp_path / "images" / "a.png", np.zeros((2, 4, 3), np.uint8))
    write(tmp_path / "labels" / "a.png", np.array([[0, 18, 19, 255]] * 2, np.uint8))
    assert open_dataset(f"folder={tmp_path},labels=cityscapes")[0][1].tolist() == [[0, 18, IGNORE_INDEX, IGNORE_INDEX]] * 2


def test_scenes_kept_as_files_are_the_same(tmp_path: Path) -> None:
    pytest.importorskip("plcv_ros.scenes")
    spec = "scenes,seeds=3:5,frames=2,size=96x64"
    drawn = open_dataset(spec)
    for _ in range(2):
        kept = open_dataset(f"{spec},keep={tmp_path}")
        for index in range(4):
            assert all(np.array_equal(a, b) for a, b in zip(drawn[index], kept[index]))
    files = sorted(tmp_path.iterdir())
    assert len(files) == 8
    cv2.imwrite(str(next(f for f in files if f.name.startswith("96x64_3_") and "labels" not in f.name)), np.zeros((64, 96, 3), np.uint8))
    assert sum(int(open_dataset(f"{spec},keep={tmp_path}")[index][0].max() == 0) for index in range(4)) == 1  # they are read, not drawn


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    """Two classes of ten pictures, 30x20, whose grey value is 10 x class + number."""
    for c, name in enumerate(("cat", "dog")):
        for i in range(10):
            write(tmp_path / "images" / name / f"{i}.png", np.full((20, 30, 3), 10 * c + i, np.uint8))
    return tmp_path


def test_folds_part_every_class(classes: Path) -> None:
    seen = []
    for fold in range(5):
        test, train = (open_dataset(f"classes={classes},fold={fold},folds=5", split=s) for s in ("test", "train"))
        values = [{int(d[i][0][0, 0, 0]) for i in range(len(d))} for d in (test, train)]
        assert [len(v) for v in values] == [4, 16]
        assert not values[0] & values[1]
        assert sum(v < 10 for v in values[0]) == 2
        seen += sorted(values[0])
        assert all(int(test[i][1]) == int(test[i][0][0, 0, 0] >= 10) for i in range(4))
    assert sorted(seen) == list(range(20))
    assert test.label_set.classes == ("cat", "dog")
    assert open_dataset(f"classes={classes},fold=1,folds=5", split="held-out").name.endswith("test fold 1/5")


def test_folders_of_splits(classes: Path) -> None:
    for split in ("train", "val"):
        for i in range(3):
            write(classes / "net" / split / "n01" / f"{i}.JPEG", np.zeros((200, 300, 3), np.uint8))
    assert open_dataset(f"classes={classes / 'net'}").name == "net train"
    assert len(open_dataset(f"classes={classes / 'net'}", split="held-out")) == 3
    assert open_dataset(f"classes={classes / 'net'},size=50")[0][0].shape == (50, 75, 3)
    assert open_dataset(f"classes={classes / 'net'},size=300")[0][0].shape == (300, 450, 3)


def test_class_folders_without_splits_do_not_validate(classes: Path) -> None:
    """Training takes all of their pictures: a score on the same ones would be called a validation."""
    assert open_dataset(f"classes={classes}").name.endswith(" all")
    assert len(open_dataset(f"classes={classes}", split="test")) == len(open_dataset(f"classes={classes}")) == 20
    with pytest.raises(ValueError, match=r"no folder 'val'.*fold=0,folds=5"):
        open_dataset(f"classes={classes}", split="held-out")


@pytest.mark.parametrize(
    ("options", "said"), [(",fold=5,folds=5", "fold 5 of 5"), (",folds=1", "fold 0 of 1"), (",folds=2,split=val", "split 'val'"), (",sise=3", "sise")]
)
def test_wrong_folds_are_explained(classes: Path, options: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        open_dataset(f"classes={classes}{options}")
    with pytest.raises(ValueError, match="/nowhere"):
        open_dataset(f"classes=/nowhere{options}")
