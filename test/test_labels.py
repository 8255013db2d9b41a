# SPDX-License-Identifier: Apache-2.0
"""Label sets: lookup, colours, the data set's void, the class table on the wire."""

from __future__ import annotations

import json

import numpy as np
import pytest

from plcv_ros.labels import CAMVID, CITYSCAPES, IGNORE_INDEX, LabelSet, class_list


def test_camvid_is_segnets_order() -> None:
    assert len(CAMVID) == 11
    assert CAMVID.index("road") == 3
    assert CAMVID.colours[CAMVID.index("bicyclist")] == (0, 128, 192)


def test_unknown_class_is_named_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'lorry'.*'camvid'.*sky, building"):
        CAMVID.index("lorry")


def test_void_and_unknown_file_ids_become_the_ignore_index() -> None:
    ids = np.array([[0, 10, 11, 12, 255]], np.uint8)
    assert CAMVID.from_file_ids(ids).tolist() == [[0, 10, IGNORE_INDEX, IGNORE_INDEX, IGNORE_INDEX]]


def test_colourise_and_overlay() -> None:
    labels = np.array([[0, IGNORE_INDEX]], np.uint8)
    image = np.full((1, 2, 3), 200, np.uint8)
    assert CAMVID.colourise(labels).tolist() == [[[128, 128, 128], [0, 0, 0]]]
    assert CAMVID.overlay(image, labels, 0.5).tolist() == [[[164, 164, 164], [200, 200, 200]]]
    assert CAMVID.overlay(image, labels, 0.0).tolist() == image.tolist()
    assert CAMVID.overlay(image, labels, 1.0)[0, 0].tolist() == [128, 128, 128]


def test_class_table_round_trip() -> None:
    table = LabelSet.from_json(CAMVID.to_json())
    assert (table.name, table.classes, table.colours) == (CAMVID.name, CAMVID.classes, CAMVID.colours)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name": "x", "classes": [{"id": 1, "name": "a", "colour": [0, 0, 0]}]}'])
def test_what_is_no_class_table_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"class table|label set"):
        LabelSet.from_json(text)


def test_inconsistent_label_sets_are_refused() -> None:
    with pytest.raises(ValueError, match="2 classes but 1 colours"):
        LabelSet("x", ("a", "b"), ((0, 0, 0),))
    with pytest.raises(ValueError, match="0 classes"):
        LabelSet("x", (), ())


def test_table_is_plain_json() -> None:
    assert json.loads(CAMVID.to_json())["classes"][3] == {"id": 3, "name": "road", "colour": [128, 64, 128]}


def test_cityscapes_file_ids() -> None:
    ids = np.array([[0, 7, 8, 33, 34, 255, 6, 26]], np.uint8)
    expected = [IGNORE_INDEX, 0, 1, 18, IGNORE_INDEX, IGNORE_INDEX, IGNORE_INDEX, CITYSCAPES.index("car")]
    assert CITYSCAPES.from_file_ids(ids).tolist() == [expected]
    assert CITYSCAPES.from_class_ids(np.array([[0, 18, 19, 255]], np.uint8)).tolist() == [[0, 18, IGNORE_INDEX, IGNORE_INDEX]]


def test_lists_of_classes() -> None:
    many = class_list("many", tuple(f"class {i}" for i in range(1000)))
    assert len(set(many.colours[:16])) == 16
    assert LabelSet.from_json(many.to_json()).classes == many.classes
    with pytest.raises(ValueError, match="label images tell 255 apart"):
        many.from_file_ids(np.zeros((1, 1), np.uint8))


def random_ids(label_set: LabelSet, seed: int = 1) -> np.ndarray:
    ids = np.random.default_rng(seed).integers(0, len(label_set) + 1, (12, 17)).astype(np.uint8)
    return np.where(ids == len(label_set), np.uint8(255), ids)


@pytest.mark.parametrize("label_set", [CAMVID, CITYSCAPES])
def test_colour_pictures_that_show_class_ids_in_one_way(label_set: LabelSet) -> None:
    ids = random_ids(label_set)
    none = np.zeros_like(ids)
    for picture in (np.dstack([ids, ids, ids]), np.dstack([ids, none, none]), label_set.colourise(ids)):
        found = label_set.from_picture(picture)
        assert found.dtype == np.uint8
        assert np.array_equal(found, ids)
    assert not label_set.from_picture(np.zeros((3, 4, 3), np.uint8)).any(), "class 0 everywhere, alike in all channels and in the red one"


def test_colour_pictures_that_do_not() -> None:
    ids = random_ids(CAMVID)
    none = np.zeros_like(ids)
    strange = [
        np.dstack([none, none, ids]),  # blue where red was expected: bgr8 that is called rgb8
        np.dstack([ids, ids, none]),
        np.full((4, 4, 3), 128, np.uint8) + np.arange(4, dtype=np.uint8)[:, None, None],  # no colour of a class, no id
        np.dstack([none + 11, none, none]),
        np.random.default_rng(0).integers(0, 256, (8, 8, 3)).astype(np.uint8),
    ]
    for picture in strange:
        with pytest.raises(
            ValueError, match="shows no class ids of label set 'camvid': expected ids 0 to 10 or 255, alike in all channels or in the red"
        ):
            CAMVID.from_picture(picture)


def test_colours_that_are_ids_too_are_not_guessed_at() -> None:
    label_set = LabelSet("two", ("a", "b", "c"), ((1, 0, 0), (2, 0, 0), (0, 0, 9)))
    picture = np.zeros((2, 2, 3), np.uint8)
    picture[..., 0] = [[1, 2], [2, 1]]
    with pytest.raises(ValueError, match="can be read as ids and as colours of label set 'two': publish ids as mono8"):
        label_set.from_picture(picture)
