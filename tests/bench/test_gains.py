"""What is left out, one change at a time, to see what it gains."""

import ast
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench import __main__ as bench
from bench import document, gains
from bench.environment import Spent
from bench.report import Table
from bench.starts import Runs
from tools.layer.changes import ALL
from tools.local.places import ROOT


def test_each_change_of_the_layer_is_left_out_once() -> None:
    left_out = [change for each in gains._OF_THE_LAYER.values() for change in each]
    assert sorted(left_out) == sorted(ALL)


def test_a_gain_is_the_part_that_a_change_takes_away() -> None:
    assert gains._gained([50, 60, 90], [100, 100, 100]) == "40.0%"
    assert gains._gained([], []) == "not measured"


def test_the_first_row_is_what_the_others_are_compared_with() -> None:
    runs = {
        "Api, as it ships": Runs(instructions=600_000_000),
        "Api, no warm-up": Runs(instructions=800_000_000),
    }
    for one in runs.values():
        one.ready, one.first = [Spent(0.3, 0.4)], [Spent(0.01, 0.01)]
    rows = gains._table("Api", runs).rows
    assert [row[:3] for row in rows] == [
        ("as it ships", "600", ""),
        ("no warm-up", "800", "25.0%"),
    ]


@pytest.mark.parametrize("edits", [*gains._OF_OUR_CODE.values(), *gains._OF_REQUESTS.values()])
def test_what_is_left_out_of_our_code_is_still_there(edits: Sequence[gains.Edit]) -> None:
    for module, old, new in edits:
        source = (ROOT / "layers/shared/shared" / module).read_text()
        ast.parse(gains.edited(source, old, new))


def test_a_text_that_is_no_longer_there_is_refused() -> None:
    with pytest.raises(ValueError, match="0 times"):
        gains.edited("a = 1", "b", "")


def test_gains_are_measured_only_when_they_are_asked_for() -> None:
    assert "gains" not in bench._chosen("")
    assert bench._chosen("cold,gains") == ["cold", "gains"]


def test_what_is_measured_apart_has_a_document_of_its_own(tmp_path: Path) -> None:
    target = tmp_path / "apart.md"
    document.write_apart(target, "Gains", [Table("Api", ("", "ms"), (("a", "1"),))])
    lines = target.read_text().splitlines()
    assert lines[0] == "# Gains"
    assert "[benchmarks.md](benchmarks.md)" in lines[2]
    assert "## Api" in lines
    assert lines[-1] == "| a | 1 |"
