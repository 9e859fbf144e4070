"""`make fault`: what is asked for, and what is on."""

from typing import TYPE_CHECKING, Any, cast

import pytest

from faults.plan import Fault
from tools.fault import asked, current, described
from tools.progress import Problem

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

NOON = 1_795_348_800.0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("stock", "error", "", ""), "TARGET=stock is none of inventory, directory, payments"),
        (("", "error", "", ""), "TARGET= is none of inventory"),
        (("inventory", "slow", "", ""), "KIND=slow is none of latency, error, throttle, hang."),
        (("inventory", "error", "2", ""), "RATE=2 is no share of the calls"),
        (("inventory", "error", "0", ""), "RATE=0 is no share of the calls"),
        (("inventory", "error", "nan", ""), "RATE=nan is no share of the calls"),
        (("inventory", "error", "half", ""), "RATE=half is no number."),
        (("inventory", "error", "", "1h"), "FOR=1h is no number."),
        (("inventory", "error", "", "0.5"), "FOR=0.5 is not possible: from 1 to 3600 seconds."),
        (("inventory", "error", "", "86400"), "FOR=86400 is not possible: from 1 to 3600 seconds."),
    ],
)
def test_impossible_fault_is_refused_in_a_sentence(
    arguments: tuple[str, str, str, str], sentence: str
) -> None:
    with pytest.raises(Problem, match=sentence):
        asked(*arguments, NOON)


def test_fault_is_of_all_calls_for_a_minute_unless_more_is_said() -> None:
    assert asked("inventory", "error", "", "", NOON) == Fault("inventory", "error", 1, NOON + 60)
    assert asked("email", "hang", "0.5", "90", NOON) == Fault("email", "hang", 0.5, NOON + 90)


def test_fault_that_is_on_is_described() -> None:
    fault = Fault("inventory", "latency", 0.5, NOON)
    assert described(fault) == (
        "50% of all calls of ProductsInventory (circuit products) take 1 s longer,"
        " until 12:00:00 UTC."
    )
    assert described(None) == "No fault is on."


def test_value_that_functions_ignore_is_named_in_a_sentence() -> None:
    class Parameter:
        def get_parameter(self, *, Name: str) -> dict[str, Any]:  # noqa: N803  # boto3's names
            return {"Parameter": {"Value": f"{Name}"}}

    with pytest.raises(Problem, match="/the/parameter has a value that functions ignore"):
        current(cast("SSMClient", Parameter()), "/the/parameter")
