"""What is left out, one change at a time, to see what it gains."""

import gc
from pathlib import Path
from typing import Any

import pytest

from bench import __main__ as bench
from bench import document, gains
from bench.environment import Spent
from bench.report import Table
from bench.starts import Runs
from shared import cold_start, rehearsal
from tools.layer.changes import ALL


def test_each_change_of_the_layer_is_left_out_once() -> None:
    left_out = [change for each in gains._OF_THE_LAYER.values() for change in each]
    assert sorted(left_out) == sorted(ALL)


def test_a_gain_is_the_part_that_a_change_takes_away() -> None:
    assert gains._gained([50, 60, 90], [100, 100, 100]) == "40.0%"
    assert gains._gained([], []) == "not measured"


def test_the_first_row_is_what_the_others_are_compared_with() -> None:
    runs = {
        "Api, as it ships": Runs(instructions=600_000_000),
        "Api, no rehearsal": Runs(instructions=800_000_000),
    }
    for one in runs.values():
        one.ready, one.first = [Spent(0.3, 0.4)], [Spent(0.01, 0.01)]
    rows = gains._table("Api", runs).rows
    assert [row[:3] for row in rows] == [
        ("as it ships", "600", ""),
        ("no rehearsal", "800", "25.0%"),
    ]


def _with_lines(module: Any, text: str) -> dict[str, Any]:
    source = Path(module.__file__).read_text()
    names: dict[str, Any] = {"__name__": "changed", "__file__": module.__file__}
    exec(compile(source + text, module.__file__, "exec"), names)
    return names


def test_without_the_pause_garbage_is_collected_while_modules_load(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "orders-api")
    frozen = gc.get_freeze_count()
    changed = _with_lines(
        cold_start, gains._OF_OUR_CODE["garbage collected while modules load"]["cold_start.py"]
    )
    changed["begin"]()
    assert gc.isenabled()
    changed["end"]()
    assert gc.get_freeze_count() == frozen


def test_without_a_rehearsal_nobody_is_asked() -> None:
    changed = _with_lines(rehearsal, gains._OF_OUR_CODE["no rehearsal"]["rehearsal.py"])

    def handle(*_: object) -> None:
        raise AssertionError

    changed["request"](handle, "/-")
    changed["clients"]()
    changed["tokens"]()


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
