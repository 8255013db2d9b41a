# SPDX-License-Identifier: Apache-2.0
"""Write the model cards into plcv_ros/weights/README.md, between its markers, from the checkpoints' headers: ``python tools/write_model_cards.py``.

A test compares. Whatever is not between the markers is written by hand.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from plcv_ros.perception.choice import choose, specialists  # this checkout, installed or not
from plcv_ros.perception.shipped import DEFAULT, WEIGHTS, Shipped, shipped

README = WEIGHTS / "README.md"
BEGIN, END = "<!-- cards begin -->\n", "<!-- cards end -->\n"

FRAMES = (
    ("ASTC 8x8, preset `vision`", "astc:8x8:vision"),
    ("ASTC 12x12, preset `vision`", "astc:12x12:vision"),
    ("ASTC 8x8, other presets", "astc:8x8"),
    ("ASTC 12x12, other presets", "astc:12x12"),
    ("JPEG XS `main`, 3 bit/px", "jxs:main:3"),
    ("the same without significance flags", "jxs:main:3:nosig"),
    ("JPEG XS `high`, 3 bit/px", "jxs:high:3"),
    ("JPEG XS `pruned`, 3 bit/px", "jxs:pruned:3"),
    ("JPEG XS `pruned`, 4 bit/px", "jxs:pruned:4"),
    ("JPEG XS `main`, 2 bit/px", "jxs:main:2"),
    ("JPEG", "jpeg"),
    ("raw", "original"),
    ("any other", ""),
)
"""What is asked of the rules of ``checkpoint: auto``."""


def with_cards(readme: str, known: Mapping[str, Shipped]) -> str:
    """``readme`` with the cards of ``known``; raises ValueError where a marker is missing."""
    head, _, rest = readme.partition(BEGIN)
    _, found, tail = rest.partition(END)
    if not found:
        raise ValueError(f"{README}: expected the lines {BEGIN.strip()} and {END.strip()}")
    parts = [overview(known), by_codec(known), *against_specialists(known), *(card(each, known) for each in known.values())]
    return f"{head}{BEGIN}" + "\n\n".join(parts) + f"\n{END}{tail}"


def table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    columns = list(columns)
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def overview(known: Mapping[str, Shipped]) -> str:
    """One line a checkpoint."""
    rows = (
        (
            f"[`{each.name}`](#{each.name}){' (`default`)' if each.name == DEFAULT else ''}",
            codecs(each),
            " + ".join(sorted(each.kinds_of_data)),
            terms(each),
            f"{each.path.stat().st_size / 1e6:.1f} MB, {each.parameters / 1e6:.2f} M parameters",
            best_known(each),
        )
        for each in known.values()
    )
    return table(("name", "trained on frames of", "data", "licence", "size", "scores through these codecs"), rows)


def by_codec(known: Mapping[str, Shipped]) -> str:
    """Which network ``checkpoint: auto`` and the configurations take."""
    trained_on = specialists(known)
    rows = ((frames, f"`{choose(codec, trained_on, DEFAULT)}`") for frames, codec in FRAMES)
    text = "With `checkpoint: auto` each frame has the network that was trained on its codec, and each file in `config/` names the one of its codec:"
    return f"## Which network sees which frames\n\n{text}\n\n{table(('frames', 'network'), rows)}"


def losses(known: Mapping[str, Shipped]) -> Iterator[tuple[str, str, float, float]]:
    """(codec, data, score of the checkpoint trained on it alone, score of the default), where both are recorded."""
    of_default = {(score["data"], score["codec"]): main_score(score)[1] for score in known[DEFAULT].header["scores"]}
    for name, codec in specialists(known).items():
        for score in known[name].header["scores"]:
            key = score["data"], score["codec"]
            if name != DEFAULT and score["codec"] == codec and key in of_default:
                yield codec, score["data"], main_score(score)[1], of_default[key]


def against_specialists(known: Mapping[str, Shipped]) -> list[str]:
    """What a default that was trained on several codecs loses to those of one; nothing for another default."""
    rows = [
        (f"`{codec}`", f"`{data}`", percent(own), percent(default), f"{100 * (own - default):+.2f}") for codec, data, own, default in losses(known)
    ]
    if "+" not in known[DEFAULT].codec or not rows:
        return []
    columns = ("frames", "data", "trained on them alone", f"`{DEFAULT}`", "it loses, points")
    return [f"## What the default loses to networks of one codec\n\n{table(columns, rows)}"]


def codecs(each: Shipped) -> str:
    """The codecs of its training pictures."""
    return ", ".join(f"`{codec}`" for codec in each.codec.split("+"))


def terms(each: Shipped) -> str:
    """Its licence in two words: the header has it in full."""
    if "research" in each.header["licence"].lower():
        return "[research use](LICENSE.md)"
    return "Apache-2.0" if all("Apache-2.0" in part for part in each.header["licence"].split("; ")) else "see its card"


def best_known(each: Shipped) -> str:
    """Its scores through the codecs that it was trained on, on the first data set that it has them for."""
    own = [score for score in each.header["scores"] if score["codec"] in each.codec.split("+")]
    if not own:
        return "not recorded"
    kind = str(own[0]["data"]).partition(",")[0]
    scores = [score for score in own if score["data"] == own[0]["data"]]
    return f"{', '.join(percent(main_score(score)[1]) for score in scores)} ({main_score(own[0])[0]}, {kind.partition('=')[0]})"


def main_score(score: Mapping[str, Any]) -> tuple[str, float]:
    return ("mIoU", score["miou"]) if "miou" in score else ("top-1", score["top1"])


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def card(each: Shipped, known: Mapping[str, Shipped]) -> str:
    """All that a header says."""
    header = each.header
    network = header["architecture"]
    arguments = ", ".join(f"{key} {value:g}" if isinstance(value, float) else f"{key} {value}" for key, value in network["arguments"].items())
    drawn = "+" in each.codec and not header["training"].get("averaged")
    facts = [
        f"**Network.** `{network['name']}`{f' ({arguments})' if arguments else ''}, {each.parameters / 1e6:.2f} M parameters, "
        f"{each.path.stat().st_size / 1e6:.1f} MB in half precision, {len(each.classes)} classes: {', '.join(each.classes)}.",
        f"**Frames that it was trained on.** {codecs(each)}{', one of them drawn for each picture' if drawn else ''}.",
        f"**Data.**\n\n{data_table(header['data'])}",
        f"**Licence.** {header['licence']}",
        f"**Training.**\n\n{chr(10).join(stages(each, known))}",
        f"**Scores** (`plcv eval {each.name} --data DATA --codec CODEC`):\n\n{score_table(header.get('scores', []))}",
    ]
    by_class = class_table(header.get("scores", []), each.classes)
    if by_class:
        facts.append(f"<details><summary>IoU by class</summary>\n\n{by_class}\n\n</details>")
    return "\n\n".join([f"## {each.name}", *facts])


def data_table(data: Iterable[Mapping[str, Any]]) -> str:
    rows = (
        (entry["name"], str(entry.get("pictures", "")), f"{entry.get('share', 1):g}", entry.get("stage", "this training"), entry["licence"])
        for entry in data
    )
    return table(("data set", "pictures", "drawn in an epoch", "for", "licence"), rows)


def stages(each: Shipped, known: Mapping[str, Shipped]) -> Iterator[str]:
    """A line a training, the latest first, down to that of another of the ``known`` ones or to weights of others."""
    training: Any = each.header.get("training", {})
    while isinstance(training, Mapping) and training:
        yield f"- {stage(training)}"
        training = training.get("initial_weights", {})
        for other in known.values():
            if training and other.header.get("training") == training:
                yield f"- before that, [`{other.name}`](#{other.name})"
                return
    if training:
        yield f"- initial weights `{training}`"


def stage(training: Mapping[str, Any]) -> str:
    augmentation = training.get("augmentation", {})
    said = [
        f"{training['of_steps']} steps of {training['batch']} pictures",
        f"crops of {augmentation['crop']}, zoom {augmentation['zoom'][0]:g} to {augmentation['zoom'][1]:g}" if "crop" in augmentation else "",
        f"rate {training['rate']:g}",
        f"weights averaged with decay {training['average']:g}" if training.get("average") else "",
        f"distilled with weight {training['distillation']:g}" if training.get("distillation") else "",
        f"seed {training['seed']}" if not training.get("averaged") else "",
        f"started from {training['started_from']}" if training.get("started_from") else "",
    ]
    if averaged := training.get("averaged"):
        said.insert(0, f"the mean of the weights of {len(averaged)} networks ({', '.join(averaged)}), each")
    how = f"run `{training['run']}` of `docs/results/{training['table']}`" if "run" in training else f"`{training['command']}`"
    return f"{', '.join(filter(None, said))}: {how}"


def score_table(scores: Iterable[Mapping[str, Any]]) -> str:
    rows = (
        (
            f"`{score['data']}`",
            f"`{score['codec']}`",
            f"{main_score(score)[0]} {percent(main_score(score)[1])}",
            percent(score["pixel_accuracy"]) if "pixel_accuracy" in score else "",
            f"{score['bits_per_pixel']:.2f}" if "bits_per_pixel" in score else "",
            f"{score['psnr']:.1f}" if isinstance(score.get("psnr"), (int, float)) else "",
            str(score["pictures"]),
            str(score.get("date", "")),
        )
        for score in scores
    )
    return table(("data", "codec", "score", "pixel accuracy", "bit/px", "PSNR (dB)", "pictures", "date"), rows)


def class_table(scores: Iterable[Mapping[str, Any]], classes: tuple[str, ...]) -> str:
    rows = [
        (f"`{score['data']}`", f"`{score['codec']}`", *(f"{100 * score[f'iou_{name}']:.1f}" for name in classes))
        for score in scores
        if all(f"iou_{name}" in score for name in classes)
    ]
    return table(("data", "codec", *classes), rows) if rows else ""


if __name__ == "__main__":
    README.write_text(with_cards(README.read_text(encoding="utf-8"), shipped()), encoding="utf-8")
