# SPDX-License-Identifier: Apache-2.0
"""Names and colours of stages and outcomes, the same in every picture."""

from __future__ import annotations

from typing import NamedTuple


class Look(NamedTuple):
    """How a stage is shown: ``name`` in legends, ``colour`` as CSS writes it, ``meaning`` a sentence."""

    name: str
    colour: str
    meaning: str


STAGES = {
    "queue": Look("waiting for the encoder", "#b3b3b3", "From the camera handing the frame over to the encoder taking it."),
    "encode": Look("encode", "#1b9e77", "Compressing the frame."),
    "publish": Look(
        "publish", "#a6d854", "From the compressed frame to its being handed to the middleware: it waits here while the one before is sent."
    ),
    "transport": Look("transport", "#377eb8", "From there to the other side's node: middleware, network and their queues."),
    "wait": Look("waiting after arrival", "#d9d9d9", "Arrived while the node still worked on the frame before."),
    "decode": Look("decode", "#984ea3", "From the payload to pixels."),
    "inference": Look("inference", "#ff7f00", "The neural network."),
    "labels": Look("publish labels", "#fdbf6f", "From the labels to their being handed to the middleware."),
}
"""Stage -> its look, in the order of a frame's way."""

TOTAL = Look("total, camera to labels", "#000000", "From the camera handing the frame over to its labels being handed to the middleware.")


class End(NamedTuple):
    """How the end of a frame's way is called: what frames are that came there, where that is, and the look of the whole way."""

    done: str
    place: str
    total: Look


ENDS = {
    "labels_published": End("labelled", "the labels", TOTAL),
    "decode_end": End(
        "decoded",
        "the decoded picture",
        Look("total, camera to picture", TOTAL.colour, "From the camera handing the frame over to its decoded picture."),
    ),
    "published": End(
        "sent",
        "sending",
        Look("total, camera to sending", TOTAL.colour, "From the camera handing the frame over to its being handed to the middleware."),
    ),
}
"""Last event of a run's frames -> its words."""

UNKNOWN = Look("unknown (events lost)", "#eeeeee", "Time between events that are not known.")

OUTCOMES = {
    "segmented": Look("labelled", "#1b9e77", "Its labels were published."),
    "decoded": Look("decoded", "#1b9e77", "It became a picture; no node of this run labels frames."),
    "sent": Look("sent", "#1b9e77", "It was published; no node of this run receives frames."),
    "dropped_camera": Look(
        "dropped before publishing", "#444444", "The camera side gave it up: a newer frame was ready before this one could be sent."
    ),
    "lost": Look("published, not received", "#e41a1c", "Lost on the link, or overwritten in the subscriber's queue by a newer frame."),
    "dropped_remote": Look(
        "dropped after arrival", "#a65628", "The remote side gave it up: a newer frame came first, it was too old, or it could not be decoded."
    ),
    "in_flight": Look("on its way", "#377eb8", "Not settled when this was written."),
}
"""Outcome of a frame -> its look."""

MARKERS = {"dropped_camera": "v", "lost": "x", "dropped_remote": "^"}
"""Outcome -> matplotlib's marker."""
