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
