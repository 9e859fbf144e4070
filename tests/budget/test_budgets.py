"""No function costs more than budgets.toml says."""

import io
import json
import sys
from collections.abc import Iterator, Mapping
from logging import StreamHandler
from typing import Any

import pytest

from bench import size
from shared.runtime import logging
from tests.budget import measure
from tests.costs import flows
from tests.costs.capacity import Units
from tests.costs.meter import MeteredShop, opened
from tests.layer import packages
from tests.support.functions import FUNCTIONS
from tools.local.places import ROOT

_BUDGETS = measure.budgets()
_MOST_CALLS_BEFORE_THE_ANSWER = 5
_MOST_MEGABYTES = 40


@pytest.fixture
def shop() -> Iterator[MeteredShop]:
    with opened() as shop:
        yield shop


@pytest.fixture(scope="module")
def loaded_modules() -> Mapping[str, Mapping[str, int]]:
    return measure.loaded_modules()


def _check(section: str, name: str, measured: Any, budget: Any, details: str) -> None:
    if measured > budget:
        pytest.fail(
            f"{name} has {measured} of [{section}], its budget is {budget}. {details}\n"
            "If it is worth that: `make budgets`, and commit tests/budget/budgets.toml.",
            pytrace=False,
        )


def _budget(section: str, name: str) -> Any:
    if name not in _BUDGETS[section]:
        pytest.fail(f"{name} has no budget in [{section}]: run `make budgets`.", pytrace=False)
    return _BUDGETS[section][name]


@pytest.mark.skipif(sys.platform != "linux", reason="other platforms load other modules")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_function_loads_no_more_modules_than_its_budget(
    loaded_modules: Mapping[str, Mapping[str, int]], function: str, pytestconfig: pytest.Config
) -> None:
    loaded = loaded_modules[function]
    cache, key = pytestconfig.cache, f"budget/{function}"
    before = cache.get(key, None)
    added = "unknown, no run before passed here"
    if before is not None:
        added = ", ".join(sorted(loaded.keys() - before)) or "none"
    details = f"New modules since the last run that passed: {added}."
    _check("modules", function, len(loaded), _budget("modules", function), details)
    kilobytes = measure.kilobytes(loaded)
    _check("kilobytes", function, kilobytes, _budget("kilobytes", function), details)
    cache.set(key, sorted(loaded))


@pytest.mark.parametrize("flow", flows.FLOWS)
def test_flow_makes_no_more_calls_than_its_budget(shop: MeteredShop, flow: str) -> None:
    made = measure.calls(shop, flow)
    budget = _budget("calls", flow)
    for function, count in measure.count_calls(made).items():
        details = "\n  ".join([f"The calls of {flow!r}:", *made])
        _check("calls", f"{function} ({flow})", count, budget.get(function, 0), details)


def test_order_logs_no_more_than_its_budget(shop: MeteredShop) -> None:
    for function, lines in measure.log_lines_of_an_order(shop).items():
        details = "\n  ".join(["Its lines:", *lines])
        _check("log_lines", function, len(lines), _budget("log_lines", function), details)
        size_ = measure.count_bytes(lines)
        _check("log_bytes", function, size_, _budget("log_bytes", function), details)


def test_order_and_its_request_are_in_the_lines_of_each_function(shop: MeteredShop) -> None:
    """What the runbook's search needs."""
    printed = io.StringIO()
    handler: StreamHandler[Any] = logging.logger().registered_handler  # type: ignore[assignment]  # Powertools makes one
    before = handler.setStream(printed)
    try:
        order = shop.place()
        flows.bring_to_emails(shop)
    finally:
        handler.setStream(before)
    lines = [json.loads(line) for line in printed.getvalue().splitlines()]
    [_] = {line["request_id"] for line in lines}
    naming = {line["message"] for line in lines if order["id"] in str(line)}
    assert naming >= {
        "POST /api/v1/orders 201",
        "published order.placed",
        "order is confirmed",
        "handled order.confirmed",
    }


def test_layer_and_largest_function_stay_below_40_mb() -> None:
    megabytes = measure.layer_megabytes()["megabytes"]
    budget = _budget("layer", "megabytes")
    largest = size.by_package(packages.layer()).most_common(5)
    _check("layer", "megabytes", megabytes, budget, f"The largest packages: {largest}")
    ours = size.size(ROOT / "layers/shared/shared")
    function = max(size.size(folder) for folder in (ROOT / "functions").iterdir())
    assert budget + (ours + function) / 1e6 < _MOST_MEGABYTES


def test_budgets_name_only_functions_and_flows_that_exist() -> None:
    named = {name for section in ("modules", "log_lines") for name in _BUDGETS[section]}
    assert named <= FUNCTIONS.keys()
    assert _BUDGETS["calls"].keys() == flows.FLOWS.keys()


def test_place_order_makes_five_calls_at_most_before_the_answer(shop: MeteredShop) -> None:
    calls = flows.calls_of(shop, flows.place_after_a_pause)
    made = [call for call in calls if call.function == "OrdersApi"]
    assert len(made) <= _MOST_CALLS_BEFORE_THE_ANSWER


def test_order_of_one_line_costs_39_write_units_and_8_read_units(shop: MeteredShop) -> None:
    """From the request to the last e-mail; without the payment provider's own ledger."""
    calls = [*flows.calls_of(shop, flows.place), *flows.calls_of(shop, flows.check_out)]
    units = sum((call.units for call in calls if not call.is_payment), Units())
    assert (units.write, units.read) == (39, 8)
