"""What the dashboard shows is emitted, and its queries find lines that functions print."""

from collections.abc import Mapping
from typing import Any, Final

import pytest

from tests.outages import dashboard, load
from tests.outages.alarms import messengers
from tests.outages.dashboard import Widget, widgets
from tools.template import template

_TROUBLES: Final = {
    *("OrderAge", "CompensationAge", "MessageAge"),
    *("PaymentsWaiting", "InventoryWaiting", "EventsStuck", "EmailsDelayed"),
    *("CircuitOpen", "CircuitRefusals", "CallsThrottled", "Throttles", "5XXError"),
}


@pytest.fixture(scope="module")
def shown() -> Mapping[str, Any]:
    """What each widget shows after a load with troubles."""
    with load.opened() as shop:
        seen = dashboard.play(shop, minutes=100)
        return {
            one.title: dashboard.rows(one, seen)
            if one.type == "log"
            else dashboard.series(one, seen)
            for one in widgets()
        }


def _of(type_: str) -> list[Any]:
    return [pytest.param(one, id=one.title) for one in widgets() if one.type == type_]


@pytest.mark.parametrize("widget", _of("metric"))
def test_metric_of_the_dashboard_is_emitted(shown: Mapping[str, Any], widget: Widget) -> None:
    for label, (namespace, name, _), statistic in widget.metrics():
        points = shown[widget.title][label]
        # What AWS charges the account is not simulated.
        assert bool(points) == (namespace != "AWS/Billing"), name
        assert statistic in ("Sum", "Maximum", "p50", "p99")
        if name in _TROUBLES:
            assert max(value for _, value in points) > 0, name


@pytest.mark.parametrize("widget", _of("log"))
def test_query_of_the_dashboard_finds_lines(shown: Mapping[str, Any], widget: Widget) -> None:
    found = shown[widget.title]
    assert found
    for column in found[0]:
        assert any(row[column] for row in found), column


def test_dashboard_has_the_alarms_that_send_messages() -> None:
    [widget] = [one for one in widgets() if one.type == "alarm"]
    of_stripe = {
        name for name, one in template()["Resources"].items() if one.get("Condition") == "IsStripe"
    }
    assert set(widget.properties["alarms"]) == messengers() - of_stripe


def test_captured_money_was_authorised_and_refunds_are_of_captured_money(
    shown: Mapping[str, Any],
) -> None:
    authorised, captured, refunded = (
        sum(row[column] for row in shown["Money"])
        for column in ("authorised", "captured", "refunded")
    )
    assert authorised >= captured > refunded > 0
