# SPDX-License-Identifier: Apache-2.0
"""Data sets by name, as the command line and tables of runs give them: ``KIND[=PATH][,option=value...]``.

For example ``camvid=PATH,split=train``, ``cityscapes=PATH,split=val,height=512``, ``scenes,seeds=1000:1150,frames=4``,
``folder=PATH,labels=camvid`` or ``classes=PATH,size=160,fold=0,folds=5``; :func:`open_dataset` turns such a name into a :class:`Dataset`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from plcv_ros.training.classification_data import classes
from plcv_ros.training.dataset import Dataset
from plcv_ros.training.segmentation_data import HELD_OUT, camvid, cityscapes, folder_of_labels, scenes

__all__ = ["HELD_OUT", "OPENERS", "TRAINING_SEEDS", "UNSEEN_SEEDS", "Dataset", "open_dataset"]

OPENERS: dict[str, Callable[[str, dict[str, str]], Dataset]] = {
    "camvid": camvid,
    "cityscapes": cityscapes,
    "scenes": scenes,
    "folder": folder_of_labels,
    "classes": classes,
}
"""Kind -> what opens it, called with the path and the options (which it takes out of the dict)."""

TRAINING_SEEDS = "1000:1150"
UNSEEN_SEEDS = "0:20"
"""Streets that training never sees unless told to: those of demonstrations, tests and evaluation."""


def open_dataset(spec: str, split: str = "train", seeds: str = TRAINING_SEEDS) -> Dataset:
    """Open the data set that ``spec`` names (see the module's text); raises ValueError naming the part that is wrong.

    ``split`` (of CamVid, Cityscapes, class folders) and ``seeds`` (of scenes) hold where ``spec`` does not name them.
    """
    head, *parts = spec.split(",")
    kind, _, path = head.partition("=")
    options: dict[str, str] = {}
    for part in parts:
        key, equals, value = part.partition("=")
        if not equals or not key:
            raise ValueError(f"data set {spec!r}: {part!r} is not option=value")
        options[key.strip()] = value
    if kind not in OPENERS:
        raise ValueError(f"data set {spec!r}: unknown kind {kind!r}, expected one of {', '.join(OPENERS)}")
    if kind == "scenes":
        options.setdefault("seeds", seeds)
    elif kind == "cityscapes":
        # Its published test labels are void: the validation split is what everybody reports.
        options.setdefault("split", "train" if split == "train" else "val")
    elif kind == "classes":
        options.setdefault("split", ("test" if "folds" in options else "val") if split == "held-out" else split)
    elif kind == "camvid":
        options.setdefault("split", split)
    # Neither how much of it an epoch draws nor where copies are kept makes it other data.
    named = [f"{key}={value}" for key, value in options.items() if key not in {"share", "keep"}]
    try:
        share = float(options.pop("share", "1"))
        dataset = OPENERS[kind](path, options)
    except (ValueError, OSError) as error:
        raise ValueError(f"data set {spec!r}: {error}") from error
    if options:
        raise ValueError(f"data set {spec!r}: unknown option {', '.join(options)}")
    if not 0 < share <= 1000:
        raise ValueError(f"data set {spec!r}: share {share:g}, expected more than 0")
    if not len(dataset):
        raise ValueError(f"data set {spec!r} is empty")
    dataset.share = share
    dataset.spec = ",".join([f"{kind}={Path(path).name}" if path else kind, *named])
    return dataset
