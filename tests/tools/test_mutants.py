"""The seeded design bugs fit the code, and the tests that must catch them exist."""

from collections import Counter
from pathlib import Path

import pytest

from tests.crashes.scenarios import SCENARIOS
from tools.mutants.edits import Edit, only_if, text, without
from tools.mutants.mutant import Mutant, NothingToChange
from tools.mutants.seeded import MUTANTS

ROOT = Path(__file__).parents[2]


def test_every_mutant_applies() -> None:
    assert not [name for name, times in Counter(m.name for m in MUTANTS).items() if times > 1]
    for mutant in MUTANTS:
        compile(mutant.broken(), mutant.module, "exec")


def test_the_tests_of_every_mutant_exist() -> None:
    scenarios = {scenario.name for scenario in SCENARIOS}
    for test in {test for mutant in MUTANTS for test in mutant.tests}:
        file, _, name = test.partition("::")
        function, _, case = name.partition("[")
        assert (ROOT / file).is_file(), test
        assert not function or f"def {function}(" in (ROOT / file).read_text(), test
        assert not case or {case.removesuffix("]"), case.rpartition("-")[0]} & scenarios, test


@pytest.mark.parametrize(
    ("target", "edit"),
    [
        ("orders.nowhere:", without("Put")),
        ("orders.models:Order.nowhere", without("Put")),
        ("orders.models:order_id", without("Put")),
        ("orders.models:order_id", only_if("digest", value=True)),
        ("orders.models:order_id", text("#pk", "#sk")),
    ],
)
def test_a_mutant_with_nothing_to_change_is_named(target: str, edit: Edit) -> None:
    with pytest.raises(NothingToChange, match="adds wrongly"):
        Mutant("adds wrongly", target, edit, ("tests/orders",)).broken()
