# SPDX-License-Identifier: Apache-2.0
"""``plcv info``: what the headers of encoded files say."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from plcv_ros.cli import batch
from plcv_ros.cli.field_meanings import is_present, meaning, value_text
from plcv_ros.codecs import SUFFIXES, CodecError, astc, header, info, jpegxs

EPILOG = """
examples:
  plcv info frame.astc
  plcv info encoded/ --json
"""


BLOCK_KINDS = {
    "pruned": "in the block mode of this package's encoder",
    "general": "in other LDR block modes",
    "hdr": "HDR (plcv decode refuses the file)",
    "error": "error blocks (plcv decode refuses the file)",
}
"""What the kinds of ASTC blocks are called."""

FILE_WIDTH = 140
"""Columns of the table where it is not shown in a terminal."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    parser.add_argument("inputs", nargs="+", type=Path, metavar="FILE", help="encoded files, or folders of them")
    parser.add_argument("-r", "--recursive", action="store_true", help="also take the folders below a folder")
    parser.add_argument("--json", action="store_true", help="print a JSON list, one object a file")


def run(args: argparse.Namespace) -> int:
    """Print; 0, or 1 where a file could not be read, or 2 for wrong usage."""
    try:
        files = [file for path in args.inputs for file in (batch.find_files(path, SUFFIXES, args.recursive) if path.is_dir() else [path])]
    except batch.BatchError as error:
        print(f"plcv info: {error}", file=sys.stderr)
        return 2
    found = []
    for file in files:
        try:
            facts = read(file)
        except (CodecError, OSError) as error:
            print(f"plcv info: {file}: {getattr(error, 'strerror', None) or error}", file=sys.stderr)
            continue
        found.append(facts)
        if not args.json:
            show(facts)
    if args.json:
        print(json.dumps(found, indent=1))
    return int(len(found) < len(files))


def read(file: Path) -> dict[str, Any]:
    """What :func:`plcv_ros.codecs.info` says of a file, its frames, bits a pixel of one, and the first one's header fields under ``header``;
    of an ASTC file also the number of ``blocks`` of each kind (:func:`plcv_ros.codecs.astc.survey`)."""
    payload = file.read_bytes()
    facts = info(payload)
    bits = 8 * facts["bytes"] / (facts["width"] * facts["height"])
    frames = len(jpegxs.split(payload)) if facts["codec"] == "jxs" else 1
    blocks = {"blocks": astc.survey(payload)} if facts["codec"] == "astc" else {}
    return {"file": str(file), **facts, "frames": frames, "bit_per_px": round(bits / frames, 4), **blocks, "header": header(payload)}


def show(facts: dict[str, Any]) -> None:
    """Print one file's facts as a table."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = FILE_WIDTH
    codec = f"{facts['codec']} {facts['detail']}".rstrip()
    headline = f"{facts['file']}: {codec}, {facts['width']}x{facts['height']}, {facts['bytes']} bytes, {facts['bit_per_px']:.3f} bit/px"
    if facts["frames"] > 1:
        headline += f", {facts['frames']} frames; the first one's header:"
    console.print(Text(headline, style="bold"), soft_wrap=True)
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("field", no_wrap=True)
    table.add_column("value", overflow="fold")
    table.add_column("meaning", overflow="fold")
    for name, value in facts["header"].items():
        if is_present(facts["codec"], name, facts["header"]):
            table.add_row(name, Text(value_text(name, value)), Text(meaning(facts["codec"], name, facts["header"])))
    console.print(table)
    if "blocks" in facts:
        console.print(
            Text(f"blocks: {', '.join(f'{count} {BLOCK_KINDS[kind]}' for kind, count in facts['blocks'].items() if count)}"), soft_wrap=True
        )
    console.print()
