"""One order, from the click to the last e-mail: every AWS call, what it is for, and what a million of them cost."""

from collections.abc import Mapping, Sequence
from typing import Final

from bench import flows, pricing
from bench.capacity import Units
from bench.meter import Asked, MeteredTown
from bench.pricing import Cost
from bench.report import Progress, Table, goal
from bench.shop import Shop, opened

TITLE: Final = "One order: calls and price"

_MOST_BEFORE_THE_ANSWER: Final = 5
_MOST_USD: Final = 25
_REPEATED: Final = 15  # orders; computing times are their mean
_AT_ONCE: Final = 10

# Each call that an order makes, and why. A new one is missing here, and the benchmark says so.
REASONS: Final[Mapping[str, str]] = {
    "OrdersApi: dynamodb.GetItem OrdersTable": "the order that the key has placed already: it is the answer, whatever is down behind",
    "OrdersApi: lambda.Invoke UsersDirectory find_customer": "is the account active, and whose name and address go with the order?",
    "UsersDirectory: dynamodb.GetItem UsersTable": "the account",
    "OrdersApi: lambda.Invoke ProductsInventory reserve": "prices the lines and holds the stock; also what keeps two requests with one key apart",
    "ProductsInventory: dynamodb.BatchGetItem ProductsTable": "the prices of today, and whether this order holds something already",
    "ProductsInventory: dynamodb.TransactWriteItems ProductsTable": "all lines are held or none, and the total of what is on sale is exact",
    "OrdersApi: dynamodb.Query OrdersTable": "the states of both circuits; each environment reads them once in five seconds",
    "OrdersApi: dynamodb.TransactWriteItems OrdersTable": "the order and its event, both or none; the key's order is written once",
    "OrdersRelay: sns.PublishBatch": "the event, to whoever reacts to it",
    "OrdersRelay: dynamodb.UpdateItem OrdersTable": "takes the mark off that would have the sweeper publish it",
    "OrdersCheckout: dynamodb.GetItem OrdersTable": "where the order is, whatever event it was that woke the saga",
    "OrdersCheckout: dynamodb.PutItem OrdersTable": "the payment provider authorises (the sandbox's own ledger)",
    "OrdersCheckout: lambda.Invoke ProductsInventory confirm": "what was held is sold, and does not expire any more",
    "ProductsInventory: dynamodb.GetItem ProductsTable": "the reservation's state",
    "ProductsInventory: dynamodb.UpdateItem ProductsTable": "the reservation is sold; its units were taken before",
    "OrdersCheckout: dynamodb.UpdateItem OrdersTable": "the payment provider captures (the sandbox's own ledger)",
    "OrdersCheckout: dynamodb.TransactWriteItems OrdersTable": "the order is confirmed, its event is written and the totals are exact",
    "NotificationsWorker: dynamodb.PutItem NotificationsTable": "the notification, and the right to send it: ten deliveries make one e-mail",
    "NotificationsWorker: dynamodb.GetItem NotificationsTable": "has its reader been erased?",
    "NotificationsWorker: sesv2.SendEmail": "the e-mail",
    "NotificationsWorker: dynamodb.TransactWriteItems NotificationsTable": "it was sent, and the total is exact",
}


def measure(progress: Progress) -> list[Table]:
    """Play orders on the simulated cloud."""
    with opened() as shop, progress("orders") as step:
        one, three = _calls_of_one(shop, 1), _calls_of_one(shop, 3)
        paused = flows.calls_of(shop, flows.place_after_a_pause)
        alone, others = _alone(shop), _together(shop)
        step.note(f"{_REPEATED} alone, {_AT_ONCE} at once")
        return [_calls(one), _before_the_answer(paused), _sizes(one, three), _price(alone, others)]


def _calls_of_one(shop: Shop, lines: int) -> list[Asked]:
    town = shop.town
    town.forget()
    shop.order(lines)
    town.settle()
    if not town.is_quiet():
        raise RuntimeError("the order has not come to its end")
    return list(town.calls)


def _alone(shop: Shop) -> tuple[list[Cost], list[Cost]]:
    """The bill of orders that each go through before the next one comes, and what stands beside it."""
    shop.town.settle()
    shop.town.forget()
    for _ in range(_REPEATED):
        shop.order()
        shop.town.settle()
    return _bills(shop.town, _REPEATED)


def _together(shop: Shop) -> tuple[list[Cost], list[Cost]]:
    """Of orders that are placed before any of them goes on, so that streams and queues come in batches."""
    shop.town.settle()
    shop.town.forget()
    for _ in range(_AT_ONCE):
        shop.order()
    shop.town.settle()
    return _bills(shop.town, _AT_ONCE)


def _bills(town: MeteredTown, orders: int) -> tuple[list[Cost], list[Cost]]:
    return pricing.bill(town.runs, orders), pricing.apart(town.runs, orders)


# ── Tables ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _calls(calls: Sequence[Asked]) -> Table:
    rows = [
        (
            f"{number}",
            f"{'  ' * call.depth}{call}",
            REASONS[str(call)],
            _number(call.units.written),
            _number(sum(call.units.indexes.values())),
            _number(call.units.read),
        )
        for number, call in enumerate(calls, start=1)
    ]
    total = sum((call.units for call in calls), Units())
    rows.append(
        (
            "",
            f"{len(calls)} calls",
            "",
            _number(total.written),
            _number(sum(total.indexes.values())),
            _number(total.read),
        )
    )
    return Table(
        "Every call of an order of one line, in their order",
        ("", "call", "what for", "WRU, table", "WRU, indexes", "RRU"),
        tuple(rows),
        "Recorded on the simulated cloud, warm, with an Idempotency-Key. Request units are worked out by DynamoDB's documented "
        "rules from the items before and after (bench/capacity.py), for no emulator reports true capacity. Lambda reads streams and "
        "queues by itself: see the price.",
    )


def _before_the_answer(calls: Sequence[Asked]) -> Table:
    own = [call for call in calls if call.function == "OrdersApi"]
    rows = [
        (f"{number}", str(call), REASONS[str(call)]) for number, call in enumerate(own, start=1)
    ]
    wanted, reached = goal(len(own), _MOST_BEFORE_THE_ANSWER)
    rows.append(("goal", wanted, reached))
    return Table(
        "In a row before the 201",
        ("", "call", "what for"),
        tuple(rows),
        "OrdersApi's own, which its client waits for one after the other; by an environment that has not heard of the circuits "
        "for five seconds. Within them it is one less.",
    )


def _sizes(one: Sequence[Asked], three: Sequence[Asked]) -> Table:
    rows = []
    for name, calls in (("one line", one), ("three lines", three)):
        units = sum((call.units for call in calls if not call.is_payment), Units())
        rows.append((name, f"{len(calls)}", _number(units.write), _number(units.read)))
    return Table(
        "By the size of the order, without the payment provider's ledger",
        ("order of", "calls", "WRU", "RRU"),
        tuple(rows),
    )


def _price(alone: tuple[list[Cost], list[Cost]], together: tuple[list[Cost], list[Cost]]) -> Table:
    bill, others = alone
    rows = [_cost(*pair) for pair in zip(bill, together[0], strict=True)]
    sums = [sum(cost.usd for cost in costs) for costs in (bill, together[0])]
    rows.append(("**together**", "", f"**{sums[0]:.2f}**", f"**{sums[1]:.2f}**"))
    (wanted, alone_is), (_, together_is) = (goal(total, _MOST_USD) for total in sums)
    rows.append((f"goal: {wanted}", "", alone_is, together_is))
    rows += [_cost(*pair) for pair in zip(others, together[1], strict=True)]
    return Table(
        "A million orders of one line, in USD (eu-west-1, on demand)",
        ("", "for one order", "each alone", "ten at once"),
        tuple(rows),
        _ASSUMED.format(**pricing.PRICES["assumptions"]),
    )


_ASSUMED: Final = (
    "Below the goal stands what no design changes, or what is the pretend provider's. Prices are those of bench/prices.toml, as "
    "known on its date. Lambda's time is the computing time measured in this process, {cpu_per_call_ms} ms more for each call, "
    "on the share of a processor that the template's memory size buys ({vcpu_memory_mb} MB are one), and the waiting that is "
    "assumed for each answer: {dynamodb_read_ms} ms to read, {dynamodb_write_ms} to write, {dynamodb_transaction_ms} for a "
    "transaction, {lambda_invoke_ms} to call a function, {sns_ms} for SNS, {ses_ms} for SES. Streams are read by Lambda "
    "for nothing. Of a queue each message counts as a request when SNS brings it, each batch as {poller_requests_per_batch} when "
    "Lambda takes it. Of requests {traced_share:.0%} are traced. Ten at once: they are placed before any goes on, so that relays and "
    "queues come in batches."
)


def _cost(one: Cost, ten: Cost) -> tuple[str, ...]:
    return (one.what, f"{one.quantity:.4g} {one.unit}", f"{one.usd:.2f}", f"{ten.usd:.2f}")


def _number(units: float) -> str:
    return f"{units:g}" if units else ""
