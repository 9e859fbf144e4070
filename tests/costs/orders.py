"""One order, from `POST /orders` to the last e-mail: its AWS calls, and the price of a million."""

from collections.abc import Mapping, Sequence
from typing import Final

from bench.report import Table, goal
from tests.costs import flows, pricing
from tests.costs.capacity import Units
from tests.costs.meter import Call, Run
from tests.costs.pricing import Cost
from tests.costs.shop import Shop

_MOST_BEFORE_THE_RESPONSE: Final = 5
_MOST_USD: Final = 25
_ALONE: Final = 15  # orders; computing times are their mean
_TOGETHER: Final = 10

# Each call that an order makes, and why. A new call has to be added here.
REASONS: Final[Mapping[str, str]] = {
    "OrdersApi: dynamodb.GetItem OrdersTable": "the order that this key has placed before",
    "OrdersApi: lambda.Invoke UsersDirectory find_customer": "is the account active? name, address",
    "UsersDirectory: dynamodb.GetItem UsersTable": "the account",
    "OrdersApi: lambda.Invoke ProductsInventory reserve": "prices the lines and reserves the stock",
    "ProductsInventory: dynamodb.BatchGetItem ProductsTable": "current prices, an earlier attempt",
    "ProductsInventory: dynamodb.TransactWriteItems ProductsTable": "reserves all lines or none",
    "OrdersApi: dynamodb.Query OrdersTable": "the circuits' states, once in five seconds",
    "OrdersApi: dynamodb.TransactWriteItems OrdersTable": "the order, its key and its event",
    "OrdersRelay: sns.PublishBatch": "publishes the event",
    "OrdersRelay: dynamodb.UpdateItem OrdersTable": "marks the event as published",
    "OrdersCheckout: dynamodb.GetItem OrdersTable": "the order's current state",
    "OrdersCheckout: dynamodb.PutItem OrdersTable": "authorises the payment (sandbox's ledger)",
    "OrdersCheckout: lambda.Invoke ProductsInventory confirm": "the reservation becomes a sale",
    "ProductsInventory: dynamodb.GetItem ProductsTable": "the reservation's state",
    "ProductsInventory: dynamodb.UpdateItem ProductsTable": "the reservation is sold",
    "OrdersCheckout: dynamodb.UpdateItem OrdersTable": "captures the payment (sandbox's ledger)",
    "OrdersCheckout: dynamodb.TransactWriteItems OrdersTable": "confirms the order, with its event",
    "NotificationsWorker: dynamodb.PutItem NotificationsTable": "the notification, and its lease",
    "NotificationsWorker: dynamodb.GetItem NotificationsTable": "was the customer erased?",
    "NotificationsWorker: sesv2.SendEmail": "the e-mail",
    "NotificationsWorker: dynamodb.TransactWriteItems NotificationsTable": "sent, and the total",
}


def tables(shop: Shop) -> list[Table]:
    """What one order asks for, what of it the customer waits for, and the price of a million."""
    town = shop.town
    town.forget()
    shop.order()
    town.settle()
    calls = list(town.calls)
    paused = flows.calls_of(shop, flows.place_after_a_pause)
    alone = [run for _ in range(_ALONE) for run in _runs(shop, 1)]
    together = _runs(shop, _TOGETHER)
    return [_calls(calls), _before_the_response(paused), _price(alone, together)]


def _runs(shop: Shop, orders: int) -> list[Run]:
    """The invocations of orders that are placed before any of them is processed further."""
    town = shop.town
    town.settle()
    town.forget()
    for _ in range(orders):
        shop.order()
    town.settle()
    return list(town.runs)


def _calls(calls: Sequence[Call]) -> Table:
    rows = [
        (str(number), f"{'  ' * call.depth}{call}", REASONS[str(call)], *_units(call.units))
        for number, call in enumerate(calls, start=1)
    ]
    total = sum((call.units for call in calls), Units())
    return Table(
        "Calls of an order of one line",
        ("", "call", "what for", "WRU, table", "WRU, indexes", "RRU"),
        (*rows, ("", f"{len(calls)} calls", "", *_units(total))),
        "All functions are warm. Request units follow from DynamoDB's documented rules and the"
        " items before and after (tests/costs/capacity.py): no emulator reports true capacity.",
    )


def _units(units: Units) -> tuple[str, str, str]:
    figures = units.written, sum(units.indexes.values()), units.read
    written, indexed, read = (f"{figure:g}" if figure else "" for figure in figures)
    return written, indexed, read


def _before_the_response(calls: Sequence[Call]) -> Table:
    own = [str(call) for call in calls if call.function == "OrdersApi"]
    rows = [(str(number), call, REASONS[call]) for number, call in enumerate(own, start=1)]
    wanted, is_reached = goal(len(own), _MOST_BEFORE_THE_RESPONSE)
    return Table(
        "Calls in a row before the 201",
        ("", "call", "what for"),
        (*rows, ("goal", wanted, is_reached)),
        "Those of OrdersApi, in an environment that has not read the circuits for five seconds.",
    )


def _price(alone: Sequence[Run], together: Sequence[Run]) -> Table:
    bills = pricing.bill(alone, _ALONE), pricing.bill(together, _TOGETHER)
    rest = pricing.beside(alone, _ALONE), pricing.beside(together, _TOGETHER)
    totals = [sum(cost.usd for cost in bill) for bill in bills]
    (wanted, alone_is), (_, together_is) = (goal(total, _MOST_USD) for total in totals)
    return Table(
        "A million orders of one line, in USD (eu-west-1, on demand)",
        ("", "for one order", "one by one", "ten at once"),
        (
            *(_cost(*pair) for pair in zip(*bills, strict=True)),
            ("**total**", "", *(f"**{total:.2f}**" for total in totals)),
            (f"goal: {wanted}", "", alone_is, together_is),
            *(_cost(*pair) for pair in zip(*rest, strict=True)),
        ),
        "Below the goal: what no design changes, and the sandbox payment provider. Prices and"
        " assumptions are those of tests/costs/prices.toml. The duration of an invocation is its"
        " computing time, measured here, on the share of a processor that its memory size buys,"
        " and the assumed waiting for each response. Ten orders at once make batches of streams"
        " and queues.",
    )


def _cost(one: Cost, ten: Cost) -> tuple[str, ...]:
    return one.what, f"{one.quantity:.4g} {one.unit}", f"{one.usd:.2f}", f"{ten.usd:.2f}"
