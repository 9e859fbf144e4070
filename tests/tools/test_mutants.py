"""`make mutants` can only tell something if its catalogue still fits the code: cheap to see, so it is seen at each run."""

from collections import Counter
from pathlib import Path

import pytest

from tests.crashes.scenarios import SCENARIOS
from tools.mutants import __main__ as command
from tools.mutants.catalogue import MUTANTS
from tools.mutants.mutant import Mutant, matrix

ROOT = Path(__file__).parents[2]
SCENARIO_NAMES = {scenario.name for scenario in SCENARIOS}
IN_THE_MATRIX = {matrix(scenario.name)[0] for scenario in SCENARIOS}

on_every_mutant = pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)


def test_the_design_is_broken_in_many_ways_and_each_has_a_name_of_its_own() -> None:
    assert len(MUTANTS) >= 30
    assert not [name for name, times in Counter(m.name for m in MUTANTS).items() if times > 1]


@on_every_mutant
def test_what_a_mutant_replaces_is_there_once_and_python_stays_python(mutant: Mutant) -> None:
    text = (ROOT / mutant.file).read_text()
    broken = mutant.applied(text)
    assert broken != text
    if mutant.file.endswith(".py"):
        compile(broken, mutant.file, "exec")


@on_every_mutant
def test_the_tests_that_are_to_notice_a_mutant_exist(mutant: Mutant) -> None:
    assert mutant.tests
    for test in mutant.tests:
        path, _, name = test.partition("::")
        assert (ROOT / path).is_file()
        function, _, case = name.partition("[")
        is_there = f"def {function}(" in (ROOT / path).read_text()
        known = not case or test in IN_THE_MATRIX or case.partition("-")[0] in SCENARIO_NAMES
        assert not name or (is_there and known)


def test_what_stands_there_twice_or_not_at_all_is_no_mutant() -> None:
    mutant = Mutant("adds wrongly", "sums.py", "a + b", "a - b", ("tests/test_sums.py",))
    assert mutant.applied("return a + b") == "return a - b"
    for text in ("return a * b", "return (a + b) * (a + b)"):
        with pytest.raises(ValueError, match="adds wrongly"):
            mutant.applied(text)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--only", "nothing like it"], "No mutant has “nothing like it” in its name or file."),
        (["--jobs", "none"], "Argument --jobs: none is no number of jobs."),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert command.main(arguments) == 1
    assert capsys.readouterr().err.strip() == said
