# SPDX-License-Identifier: Apache-2.0
"""``plcv train``: train a network for a task, or work through a table of such runs."""

from __future__ import annotations

import argparse
import importlib
import re
import shlex

TASKS = {
    "segmentation": "train a segmentation network",
    "classification": "train a classification network",
    "table": "train and test a series of runs, each as far as it is not done",
}
"""What ``plcv train`` does -> one-line help; each is the module ``plcv_ros.cli.train_<name>`` with ``configure`` and ``run``."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the tasks of ``plcv train``."""
    tasks = parser.add_subparsers(dest="task", metavar="task", required=True)
    for name, text in TASKS.items():
        module = importlib.import_module(f"plcv_ros.cli.train_{name}")
        sub = tasks.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        module.configure(sub)
        sub.set_defaults(run_task=module.run)


def portable_command(arguments: list[str]) -> str:
    """The command as a checkpoint's header tells it: paths without the folders of this machine, and as if run in one go."""
    return shlex.join(["plcv", *(re.sub(r"(^|=)/[^,]*/", r"\1", a) for a in arguments if a != "--resume")])


def run(args: argparse.Namespace) -> int:
    """Run ``plcv train``: 0 on success, 1 with the reason on stderr otherwise."""
    return int(args.run_task(args))
