# SPDX-License-Identifier: Apache-2.0
"""Texts and numbers from outside."""

from __future__ import annotations

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from plcv_ros.texts import MAX_NAME_BYTES, csv_cell, from_csv_cell, is_name, number, plot_text, shown


def test_names() -> None:
    for good in ("camera", "robot/front/camera", "kamera_größe", "カメラ", "a" * MAX_NAME_BYTES, "<script>alert(1)</script>"):
        assert is_name(good), good
    for bad in ("", "a" * (MAX_NAME_BYTES + 1), "ß" * 129, "a\x1b[2J", "a\nb", "a\u202eb", "\ud800", "x" * 10_000_000):
        assert not is_name(bad), bad[:40]
    assert is_name("", empty=True)


@given(st.text(max_size=400))
def test_what_is_shown_moves_no_cursor_and_is_short(text: str) -> None:
    written = shown(text, 100)
    assert all(ord(c) >= 32 and c not in "\x7f\x9b\u2028\u2029\u202e" for c in written)
    assert len(written) <= 100 * 10 + 40
    if text.isascii() and text.isprintable() and len(text) <= 100:
        assert written == text


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=30))
def test_no_spreadsheet_takes_a_cell_for_a_formula(text: str) -> None:
    cell = csv_cell(text)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    file = io.StringIO()
    csv.writer(file).writerow([cell])
    assert from_csv_cell(next(csv.reader(io.StringIO(file.getvalue())), [""])[0] if text else "") == text


def test_plot_texts_have_no_mathematics() -> None:
    assert plot_text("costs $5_a^{") == r"costs \$5_a^{"


def test_numbers() -> None:
    assert number("1.5") == 1.5
    assert number(" 7 ") == 7
    assert [number(text) for text in ("inf", "-inf", "nan", "", "x", "1e400", "9" * 100, "1e19")] == [None] * 8
    assert number("-1", low=0.0) is None
    assert number("5", high=4.0) is None
