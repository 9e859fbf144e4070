"""Which functions of two checkouts are compared."""

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from bench.compare import cases
from bench.functions import Signer, asked_first, functions
from bench.stand import Stand
from tools.progress import Problem


@pytest.fixture
def stand() -> Stand:
    subjects = {one.name: one for one in functions(Signer())}
    subjects["naive"] = replace(subjects["ProductsApi"], name="naive", kind="baseline")
    first = {name: asked_first(one, "token") for name, one in subjects.items()}
    return Stand(subjects, first, cast("Any", None))


def test_function_is_compared_with_that_of_the_other_build(stand: Stand, tmp_path: Path) -> None:
    for name in ("NotificationsApi", "OrdersApi", "OrdersCheckout"):
        (tmp_path / name).mkdir()
    found = {case.title: case for case in cases(stand, tmp_path)}
    assert found.keys() == {
        "NotificationsApi: list of notifications",
        "OrdersApi: new order",
        "OrdersApi: /api/v1/orders/{id}",
        "OrdersCheckout",
        "OrdersCheckout, stripe",
    }
    before = found["OrdersCheckout, stripe"].of(tmp_path).first
    assert before.task == tmp_path / "OrdersCheckout"
    assert before.layer == tmp_path / "SharedLayer"
    assert before.variables["PAYMENT_PROVIDER"] == "stripe"


def test_build_without_functions_is_refused(stand: Stand, tmp_path: Path) -> None:
    with pytest.raises(Problem, match="is empty"):
        cases(stand, tmp_path)
