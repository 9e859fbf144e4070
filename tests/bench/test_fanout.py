"""What the functions' logs tell of an order's way."""

import json

from bench.fanout import _figures, _of_invocation

ORDER = "c6e11fc274cfd7b68e6a26953d0bf0e0"
REPORT = "REPORT RequestId: f432d18a\tDuration: 63 ms\tBilled Duration: 63 ms\tMemory Size: 1024 MB"


def line(message: str, at: str, version: int = 1) -> str:
    said = {"message": message, "timestamp": at, "event_id": f"{ORDER}.{version}"}
    return json.dumps(said)


def told(service: str, *texts: str) -> dict[str, float]:
    """When what happened, in ms before the invocation's report was written at 09:24:01.605."""
    written = 1795253041.605
    return {
        moment: round((written - at) * 1000)
        for order, moment, at in _of_invocation(service, [(written, text) for text in texts])
        if order == ORDER
    }


def test_an_invocation_started_by_its_duration_before_its_report() -> None:
    handled = line("handled order.placed", "2026-11-21T09:24:01.597+00:00")
    metrics = '{"_aws": {"Timestamp": 1}, "NotificationsSent": [1.0]}'
    assert told("notifications", "START RequestId: f432d18a", handled, metrics, REPORT) == {
        "placed mailer starts": 63,
        "placed mailer done": 8,
    }


def test_the_orders_functions_are_told_apart_by_what_they_did() -> None:
    at = "2026-11-21T09:24:01.600+00:00"
    published, handled = line("published order.confirmed", at, 2), line("handled order.placed", at)
    assert set(told("orders", published, REPORT)) == {
        "confirmed relay starts",
        "confirmed relay done",
    }
    assert set(told("orders", handled, REPORT)) == {
        "placed checkout starts",
        "placed checkout done",
    }


def test_what_is_about_no_order_or_has_not_ended_tells_nothing() -> None:
    at = "2026-11-21T09:24:01.600+00:00"
    assert told("notifications", line("handled user.registered", at), REPORT) == {}
    assert told("notifications", line("handled order.placed", at)) == {}


def test_figures_are_the_median_the_99th_percentile_and_the_slowest() -> None:
    orders = [{"start": 10.0, "end": 10.0 + n / 1000} for n in range(101)]
    assert _figures(orders, "start", "end") == ("50", "99", "100")
