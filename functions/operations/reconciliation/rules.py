"""What must hold between the services and the payment provider where nothing is under way. Each
rule yields a finding for each breach.

`ORDER_RULES` hold for any part of the books that has whole orders with what belongs to them,
`SHOP_RULES` for all of the books only.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, get_args

from notifications.models import NotificationType, notification_id
from operations.reconciliation.models import CATEGORY, Books, Finding
from shared.contracts.events import Event

type Rule = Callable[[Books], Iterator[Finding]]

SOLD: Final = frozenset({"confirmed", "shipped", "delivered"})
_ENDED: Final = SOLD | {"cancelled"}
_GIVEN_BACK: Final = frozenset({"voided", "refunded", "declined", "expired"})
_NOTIFIED: Final = frozenset(get_args(NotificationType.__value__))


def findings(books: Books, *rules: Rule) -> list[Finding]:
    """Every breach of these rules."""
    return [finding for rule in rules for finding in rule(books)]


# ── Of orders ─────────────────────────────────────────────────────────────────────────────────────


def every_order_ends(books: Books) -> Iterator[Finding]:
    """It is in an end state, and nothing is left to do for it."""
    for id_, order in books.orders.items():
        if order["status"] not in _ENDED or "due_at" in order:
            yield Finding(
                f"order {id_} is {order['status']} and still due {order.get('due_at')}",
                "resume",
                id_,
            )


def an_ended_order_holds_no_stock(books: Books) -> Iterator[Finding]:
    """Stock of an order that went through is sold, that of all others is given back."""
    for id_, reservation in books.reservations.items():
        order = books.orders.get(id_)
        state, is_sold = reservation["state"], bool(order and order["status"] in SOLD)
        if state == ("confirmed" if is_sold else "released"):
            continue
        status = f"is {order['status']}" if order else "does not exist"
        text = f"order {id_} {status}, its stock is {state}"
        if order is None:
            yield Finding(text, "release", id_)
        elif not is_sold:
            yield Finding(text, "resume", id_)
        else:
            # What was released stays released: the order needs a person.
            yield Finding(text, "take" if state == "held" else None, id_)
    for id_, order in books.orders.items():
        if id_ not in books.reservations and order["status"] in SOLD:
            yield Finding(
                f"order {id_} is {order['status']} and its stock was never reserved", "take", id_
            )


def money_is_taken_or_given_back(books: Books) -> Iterator[Finding]:
    """A cancelled order's money is void or refunded, that of one that went through is captured, all
    of it."""
    for id_, payment in books.payments.items():
        order, state = books.orders.get(id_), payment["state"]
        if order is None:
            if state not in _GIVEN_BACK:
                yield Finding(f"payment {id_} is {state} without an order", "repay", id_)
            continue
        refunds = refunds_of(id_, order, payment)
        left = order["total_minor"] - sum(refunds.values())
        if left < 0:
            yield Finding(f"order {id_}: {-left} more refunded than captured")
        kept = "refunded" if refunds and not left else "captured"
        if order["status"] in SOLD and state != kept:
            yield Finding(f"order {id_} is {order['status']}, its money is {state}")
        elif order["status"] not in SOLD and state not in _GIVEN_BACK | _owed(order):
            yield Finding(f"order {id_} is {order['status']}, its money is {state}", "resume", id_)
        if payment.get("amount_minor", order["total_minor"]) != order["total_minor"]:
            yield Finding(f"order {id_}: {payment['amount_minor']} paid for {order['total_minor']}")
    for id_, order in books.orders.items():
        # Nothing is to be paid for gifts, and not each provider has a payment of nothing.
        if order["status"] in SOLD and id_ not in books.payments:
            yield Finding(f"order {id_} is {order['status']} and is not paid")


def _owed(order: Mapping[str, Any]) -> set[str]:
    """The state of the money of a cancelled order that the provider could not give back."""
    return {"captured"} if "owed_minor" in order else set()


def refunds_of(id_: str, order: Mapping[str, Any], payment: Mapping[str, Any]) -> Mapping[str, int]:
    """The amounts of a payment's refunds, by their keys. An earlier release has noted only that the
    whole payment is refunded."""
    if payment.get("state") == "refunded" and "refunds" not in payment:
        return {id_: order["total_minor"]}
    found: Mapping[str, int] = payment.get("refunds", {})
    return found


def refunds_are_made_once_and_are_in_their_orders(books: Books) -> Iterator[Finding]:
    """The provider has made the refunds that have succeeded and no others, except a cancelled
    order's own refund; the order has their sum."""
    of_orders = _by_order(books.refunds)
    for id_, order in books.orders.items():
        own = of_orders.get(id_, {})
        made = {n: one["amount_minor"] for n, one in own.items() if one["status"] == "succeeded"}
        made = {n: amount for n, amount in made.items() if amount}
        otherwise = {n for n, one in own.items() if one.get("paid_otherwise")}
        paid_back = refunds_of(id_, order, books.payments.get(id_, {}))
        by_provider = {n: amount for n, amount in made.items() if n not in otherwise}
        if {n: amount for n, amount in paid_back.items() if n != id_} != by_provider:
            yield Finding(f"order {id_} has the refunds {made}, the provider {dict(paid_back)}")
        if id_ in paid_back and order["status"] != "cancelled":
            yield Finding(f"order {id_} is {order['status']} and its whole payment was refunded")
        if pending := [one for one in own.values() if one["status"] == "pending"]:
            yield Finding(f"order {id_} has refunds that are not finished", "resume", id_)
        if order["refunding_minor"] != sum(one["amount_minor"] for one in pending):
            yield Finding(f"order {id_} counts {order['refunding_minor']} that is being refunded")
        if order["refunded_minor"] != sum(made.values()):
            yield Finding(
                f"order {id_} says {order['refunded_minor']} refunded, its refunds {made}"
            )


def every_unit_is_refunded_or_returned_once(books: Books) -> Iterator[Finding]:
    """What was received has its refund. No unit is in two of the refunds that have not failed and
    the returns that are open, and the order knows them."""
    claims: dict[str, Counter[str]] = {id_: Counter() for id_ in books.orders}
    for id_, one in books.returns.items():
        if one["status"] in ("requested", "approved"):
            claims[_order_of(one)] += _quantities(one["lines"])
        if (one["status"] == "received") != (one.get("refund_id") in books.refunds):
            yield Finding(f"return {id_} is {one['status']}, its refund is {one.get('refund_id')}")
    for one in books.refunds.values():
        if one["status"] != "failed":
            claims[_order_of(one)] += _quantities(one["lines"])
    for id_, order in books.orders.items():
        claimed = _quantities(order.get("claimed", ()))
        if claims[id_] != claimed:
            yield Finding(f"order {id_} has claims of {claimed}, its parts of {claims[id_]}")
        if not claimed <= _quantities(order["lines"]):
            yield Finding(f"order {id_}: more is claimed than was ordered: {claimed}")


def every_version_of_an_order_has_one_event(books: Books) -> Iterator[Finding]:
    """An order's events are its versions, one each."""
    for id_, order in books.orders.items():
        versions = [event.version for event in books.events.get(id_, [])]
        if versions != list(range(1, order["version"] + 1)):
            yield Finding(
                f"order {id_} is at version {order['version']}, its events are {versions}"
            )


def nothing_stays_unsent(books: Books) -> Iterator[Finding]:
    """Every event has been published."""
    services = dict.fromkeys(books.orders, "orders") | dict.fromkeys(books.users, "users")
    for id_ in books.unsent:
        service = services.get(id_.partition(".")[0], "products")
        yield Finding(f"event {id_} was never published", "redrive", f"{service}-events")


def each_event_of_an_order_makes_a_notification(books: Books) -> Iterator[Finding]:
    """Each event of a type that has one, and each notification is sent or failed."""
    for event in events_without_a_notification(books):
        yield Finding(f"event {event.id} has no notification", "publish", event.id)
    for item in books.notifications:
        if item["status"] == "pending":
            yield Finding(
                f"the notification {item['id']} was never sent", "redrive", "notifications"
            )


def events_without_a_notification(books: Books) -> Iterator[Event]:
    """Those of orders, of a type that has one."""
    kept = {item["id"] for item in books.notifications}
    for id_ in books.orders:
        for event in books.events.get(id_, []):
            if event.type in _NOTIFIED and notification_id(event) not in kept:
                yield event


ORDER_RULES: Final[tuple[Rule, ...]] = (
    every_order_ends,
    an_ended_order_holds_no_stock,
    money_is_taken_or_given_back,
    refunds_are_made_once_and_are_in_their_orders,
    every_unit_is_refunded_or_returned_once,
    every_version_of_an_order_has_one_event,
    nothing_stays_unsent,
    each_event_of_an_order_makes_a_notification,
)


# ── Of the whole shop ─────────────────────────────────────────────────────────────────────────────


def no_unit_is_sold_twice(books: Books) -> Iterator[Finding]:
    """Neither the available nor the taken units of a product are negative."""
    for id_, product in books.products.items():
        pools = {pool: product[pool] for pool in ("available", "taken")}
        if min(pools.values()) < 0:
            yield Finding(f"product {id_} is oversold: {pools}")


def stock_is_where_the_reservations_say(books: Books) -> Iterator[Finding]:
    """What is taken of a product is what reservations hold and have sold."""
    reserved = reserved_units(books)
    for id_, product in books.products.items():
        if product["taken"] != reserved[id_]:
            yield Finding(
                f"product {id_}: {product['taken']} taken, reserved {reserved[id_]}",
                "stock",
                id_,
                f"{product['taken'] - reserved[id_]} taken",
            )


def reserved_units(books: Books) -> Counter[str]:
    """The units of each product that reservations hold or have sold."""
    reserved: Counter[str] = Counter()
    for reservation in books.reservations.values():
        if reservation["state"] != "released":
            for line in reservation["lines"]:
                reserved[line["product_id"]] += line["quantity"]
    return reserved


def the_totals_are_exact(books: Books) -> Iterator[Finding]:
    """What the counters say is what counting gives."""
    for table, counted in counted_totals(books).items():
        kept = books.totals[table]
        for name in counted.keys() | kept.keys():
            if counted[name] != kept.get(name, 0):
                yield Finding(
                    f"{table} counts {kept.get(name, 0)} {name}, there are {counted[name]}",
                    "count",
                    table,
                    f"{kept.get(name, 0) - counted[name]} {name}",
                )


def counted_totals(books: Books) -> Mapping[str, Counter[str]]:
    """What the counters of each table should say."""
    on_sale = [product for product in books.products.values() if product["is_active"]]
    return {
        "UsersTable": Counter(
            total=len(books.users), active=sum(u["is_active"] for u in books.users.values())
        ),
        "ProductsTable": Counter(
            total=len(on_sale), total_stock=sum(p["available"] for p in on_sale)
        )
        + Counter(CATEGORY + product["category"] for product in on_sale),
        # Pending orders have no counter.
        "OrdersTable": Counter(
            order["status"] for order in books.orders.values() if order["status"] != "pending"
        ),
        # E-mails only.
        "NotificationsTable": Counter(n["status"] for n in books.notifications if "inbox" not in n),
    }


def each_notification_is_about_what_has_happened(books: Books) -> Iterator[Finding]:
    """Each notification of an order has its event: a restored order may have fewer events."""
    happened = {id_: {event.type for event in events} for id_, events in books.events.items()}
    for item in books.notifications:
        id_, type_ = item.get("order_id", ""), item["type"]
        if id_ in books.orders and type_ not in happened.get(id_, ()):
            yield Finding(f"order {id_} has no event {type_}, but a notification of it")


SHOP_RULES: Final[tuple[Rule, ...]] = (
    no_unit_is_sold_twice,
    stock_is_where_the_reservations_say,
    the_totals_are_exact,
    each_notification_is_about_what_has_happened,
)


def _by_order(items: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """What belongs to orders, by the orders' ids."""
    found: dict[str, dict[str, Any]] = {}
    for id_, item in items.items():
        found.setdefault(_order_of(item), {})[id_] = item
    return found


def _order_of(item: Mapping[str, Any]) -> str:
    return str(item["pk"].partition("#")[2])


def _quantities(lines: Sequence[Mapping[str, Any]]) -> Counter[str]:
    return Counter({line["product_id"]: line["quantity"] for line in lines})
