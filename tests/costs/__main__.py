"""`python -m tests.costs`, a part of `make bench`: writes docs/costs.md."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from bench.report import Table, mark, markdown
from tests.costs import bill, catalogue, flows, pricing, through_stripe
from tests.costs.bill import Recorded
from tests.costs.capacity import Units
from tests.costs.meter import MeteredShop, opened
from tests.costs.pricing import ASSUMED
from tests.costs.profile import PROFILE, Profile
from tools.local.places import ROOT
from tools.progress import step

_TARGET = ROOT / "docs/costs.md"
_HEAD = """\
# What a shop and an order cost

Written by `make bench`; `make bill` prints the first table for a shop of your own. Calls and
request units are counted on the simulated cloud of the tests, where the code runs from the Lambda
entry to botocore's wire.
"""
_ITEMS: Final = 1_000
_MILLION: Final = 1_000_000
_AT_ONCE: Final = 10
_GOALS: Final = {"one by one": 40, "ten at once": 30}
# What is listed of an order, with the price, and how many of the shown unit one is.
_ROWS: Final = {
    "DynamoDB, write units": ("write_unit", 1),
    "DynamoDB, read units": ("read_unit", 1),
    "Lambda, requests": ("lambda_request", 1),
    "Lambda, GB-seconds": ("gb_second", 1),
    "SNS, requests": ("sns_request", 1),
    "SQS, requests": ("sqs_request", 1),
    "CloudWatch, KB of lines": ("log_gb", 1_000_000),
    "CloudWatch, metrics a month": ("metric", _MILLION),
    "X-Ray, traces": ("trace", 1),
}


_NOTE: Final = (
    "All functions are warm. Request units follow from DynamoDB's documented rules and the items"
    " before and after (tests/costs/capacity.py): no emulator reports true capacity."
)
_TITLE_OF_STRIPE: Final = "The same order, paid through Stripe"
_NOTE_OF_STRIPE: Final = (
    "Stripe is localstripe behind our proxy. Its webhook arrives when the order is confirmed"
    " already. Each environment reads Stripe's secret once in five minutes"
    " (ssm.GetParameter, and a decryption by KMS)."
)


def _month(recordings: bill.Recordings, profile: Profile) -> Table:
    prods = replace(profile, monitoring=True, gradual=True)
    monitoring = pricing.total(bill.monitoring(prods)) - pricing.total(bill.monitoring(profile))
    months = {n: bill.month(recordings, profile, n) for n in bill.ORDERS}
    return Table(
        "What a month costs, in USD (eu-west-1, on demand)",
        ("orders a month", *("idle" if not orders else f"{orders:,}" for orders in months)),
        tuple(bill.cells(months)),
        f"For each order customers look at {profile.reads:g} products and {profile.lists:g} lists,"
        f" log in {profile.log_ins:g} times and refresh their tokens {profile.refreshes:g} times;"
        f" an order has {profile.lines} lines, and a description {profile.description:,} characters"
        " (tests/costs/profile.toml). CloudFront stands before the API where that is"
        " cheaper. Prices, rules, assumptions and their sources are in"
        " tests/costs/prices.toml. Free tiers, taxes, the payment provider, the firewall of prod"
        f" (10 USD, 11 behind CloudFront), its alarms and dashboard ({monitoring:.2f} USD),"
        " shipments (an e-mail more for each order) and cold starts (Lambda bills the time of an"
        " environment's start too) are not in it. MailKey is rotated each year: 1 USD a month more"
        " after the first year, and 2 after the second.",
    )


def _orders(realistic: Mapping[str, Recorded], lines: int) -> Table:
    used = {name: _usage_of_an_order(found) for name, found in realistic.items()}
    rows = [
        (
            row,
            *(
                cell
                for each in used.values()
                for cell in (
                    f"{each[price] * shown:.4g}",
                    f"{pricing.usd(price, each[price]) * _MILLION:.2f}",
                )
            ),
        )
        for row, (price, shown) in _ROWS.items()
    ]
    sums = {
        name: sum(pricing.usd(price, each[price]) for price, _ in _ROWS.values()) * _MILLION
        for name, each in used.items()
    }
    rows.append(("**total**", *(cell for usd in sums.values() for cell in ("", f"**{usd:.2f}**"))))
    goals = (
        f"≤ {_GOALS[name]} {mark(usd, _GOALS[name])}" if name in _GOALS else ""
        for name, usd in sums.items()
    )
    rows.append(("goal", *(cell for goal in goals for cell in ("", goal))))
    return Table(
        f"An order of {lines} lines: for one, and USD for a million",
        ("", *(title for name in used for title in (name, "USD"))),
        tuple(rows),
        "API Gateway (3.50), SES (100) and the sandbox payment provider's own ledger are not in it;"
        " nor are what Stripe takes, and 3.50 for its webhook. The waiting for Stripe is assumed:"
        f" {ASSUMED['stripe_ms']:g} ms for each of the three requests."
        " Orders that come at once share batches of streams, as far as their lanes are the same,"
        " and requests to SNS; queues hand over message by message. A million orders are those of a"
        " month. The duration of an invocation is its assumed computing time, on the share of a"
        " processor that its memory size buys, and the assumed waiting for each response.",
    )


def _usage_of_an_order(found: Recorded) -> dict[str, float]:
    """Its share of a month with a million."""
    # A webhook is an exchange too.
    orders = sum(one.method == "POST /api/v1/orders" for one in found.exchanges)
    made = bill.Month()
    made.happen("orders", found, _MILLION / orders)
    made.close()
    return pricing.multiplied(pricing.added(*made.rows.values()), 1 / _MILLION)


def _calls(shop: MeteredShop, title: str, note: str) -> Table:
    """The calls of one order of one line."""
    shop.forget()
    order = shop.place()
    flows.bring_to_emails(shop)
    shop.report(order)
    shop.settle()
    total = sum((call.units for call in shop.calls), Units())
    to_stripe = sum(call.service == through_stripe.SERVICE for call in shop.calls)
    counted = f"{len(shop.calls) - to_stripe} calls"
    return Table(
        title,
        ("", "call", "WRU, table", "WRU, indexes", "RRU"),
        (
            *(
                (str(number), f"{'  ' * call.depth}{call}", *_units(call.units))
                for number, call in enumerate(shop.calls, start=1)
            ),
            ("", f"{counted}, {to_stripe} of Stripe" if to_stripe else counted, *_units(total)),
        ),
        note,
    )


def _units(units: Units) -> tuple[str, str, str]:
    figures = units.written, sum(units.indexes.values()), units.read
    written, indexed, read = (f"{figure:g}" if figure else "" for figure in figures)
    return written, indexed, read


def _flows(shop: MeteredShop) -> Table:
    costs = {name: flows.cost_of(shop, flow) for name, flow in flows.FLOWS.items()}
    return Table(
        "Calls and request units of each flow",
        ("flow", "calls", "WRU", "RRU"),
        tuple(
            (n, str(c), f"{units.write:g}", f"{units.read:g}") for n, (c, units) in costs.items()
        ),
        f"Indexes included, with {_ITEMS:,} items of each kind in the tables."
        " tests/costs/test_volume.py holds that it is the same with fewer, except for"
        " the search by a common word, which reads the products with the word for at most 20 units,"
        " and then an index of the list's order.",
    )


def _realistic(shop: MeteredShop, profile: Profile) -> dict[str, Recorded]:
    products = catalogue.add_products(shop, profile.lines, length=profile.description)
    return {
        "one by one": bill.recorded(shop, bill.order(products)),
        "ten at once": bill.recorded(shop, bill.order(products, at_once=_AT_ONCE)),
    }


def main() -> None:
    profile = Profile.read(PROFILE)
    with step("calls and prices"):
        with through_stripe.opened() as shop:
            calls_of_stripe = _calls(shop, _TITLE_OF_STRIPE, _NOTE_OF_STRIPE)
            products = catalogue.add_products(shop, profile.lines, length=profile.description)
            of_stripe = bill.recorded(shop, bill.order(products))
        with opened() as shop:
            calls = _calls(shop, "The calls of an order of one line", _NOTE)
            realistic = {**_realistic(shop, profile), "through Stripe": of_stripe}
            orders = _orders(realistic, profile.lines)
            shop.fill(_ITEMS // 2)
            every = _flows(shop)
        with opened() as shop:
            month = _month(bill.record(shop, profile), profile)
    sections = (
        markdown("A month", [month]),
        markdown("An order", [orders, calls, calls_of_stripe]),
        markdown("Every flow", [every]),
    )
    _TARGET.write_text("\n".join((_HEAD, *sections)))


if __name__ == "__main__":
    main()
