# SPDX-License-Identifier: Apache-2.0
"""Which topic of a recording is played, and which camera_info belongs to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from plcv_ros.camera.bag.messages import COMPRESSED, ENCODINGS, IMAGE, INFO
from plcv_ros.camera.bag.storage import Channel
from plcv_ros.camera.errors import SourceError

IMAGES = (IMAGE, COMPRESSED)


@dataclass(frozen=True)
class Topic:
    """A topic of images, all of its connections together."""

    name: str
    types: tuple[str, ...]
    count: int
    """Messages of images."""


def image_topic(path: Path, channels: Sequence[Channel], wanted: str | None) -> Topic:
    """The topic that is wanted, else the only one, else the only one that is not compressed.

    Raises SourceError naming what the recording holds.
    """
    topics = _image_topics(channels)
    if wanted:
        topics = [topic for topic in topics if topic.name.strip("/") == wanted.strip("/")]
        if not topics:
            raise SourceError(f"{path} has no image topic {wanted!r}; it holds {_listing(channels)}")
    elif not topics:
        raise SourceError(f"{path} has no topic of type {IMAGE} or {COMPRESSED}; it holds {_listing(channels)}")
    # A topic that nobody published on while the bag was recorded is in it too.
    topics = [topic for topic in topics if topic.count] or topics
    raw = [topic for topic in topics if IMAGE in topic.types]
    chosen = topics if len(topics) == 1 else raw
    if len(chosen) != 1:
        several = ", ".join(f"{topic.name} ({', '.join(topic.types)}, {topic.count} messages)" for topic in topics)
        raise SourceError(f"{path} has several image topics, name one with topic: {several}")
    if not chosen[0].count:
        raise SourceError(f"topic {chosen[0].name} of {path} holds no messages")
    return chosen[0]


def info_topic(channels: Sequence[Channel], image: Topic) -> str | None:
    """The camera_info that lies beside the image topic; the topics of image_transport are one level deeper."""
    there = {channel.topic for channel in channels if channel.msgtype == INFO and channel.encoding in ENCODINGS}
    parent = image.name.rpartition("/")[0]
    candidates = [f"{parent.rpartition('/')[0]}/camera_info", f"{parent}/camera_info"] if COMPRESSED in image.types else [f"{parent}/camera_info"]
    return next((candidate for candidate in candidates if candidate in there), None)


def _image_topics(channels: Sequence[Channel]) -> list[Topic]:
    readable = [channel for channel in channels if channel.msgtype in IMAGES and channel.encoding in ENCODINGS]
    return [
        Topic(name, tuple(sorted({c.msgtype for c in readable if c.topic == name})), sum(c.messages for c in readable if c.topic == name))
        for name in sorted({channel.topic for channel in readable})
    ]


def _listing(channels: Sequence[Channel]) -> str:
    counts: dict[tuple[str, str, str], int] = {}
    for c in channels:
        kind = (c.topic, c.msgtype, c.encoding)
        counts[kind] = counts.get(kind, 0) + c.messages
    return (
        ", ".join(
            f"{topic} ({msgtype}{'' if encoding in ENCODINGS else f' in {encoding}'}, {count} messages)"
            for (topic, msgtype, encoding), count in sorted(counts.items())
        )
        or "nothing"
    )
