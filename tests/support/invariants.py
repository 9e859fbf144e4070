"""What must hold of the shop, whatever happened to it, once it has come to rest.

At rest: the queues are empty, the sweepers have run after every deadline has passed. Each rule
yields a sentence for every breach, so that a test says `assert not list(breaches(books, witness))`
and reads what is wrong.
"""

import base64
import re
from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from functools import cache
from typing import Any, Final

from notifications.emails.models import Email
from notifications.emails.templates import compose
from notifications.models import notification_id
from orders.models import Order
from shared.contracts.events import Event
from shared.personal import ERASED, is_erased_email
from tests.support.books import Books, HandedOver, Witness
from tools.template import template

type Rule = Callable[[Books, Witness], Iterator[str]]

ADMIN_EMAIL: Final = "admin@example.com"
LOW_STOCK: Final = int(template()["Parameters"]["LowStockThreshold"]["Default"])
_ENDED: Final = {"confirmed", "shipped", "delivered", "cancelled"}
_SOLD: Final = {"confirmed", "shipped", "delivered"}
_ORDER: Final = {field.name for field in fields(Order)} | {"total_minor"}
_SHOP_URL: Final = template()["Parameters"]["ShopUrl"]["Default"]
_TOKEN: Final = re.compile(r"\?token=\S+")
_ID: Final = re.compile(r"\b[0-9a-f]{32}\b|[\w.+-]+@[\w-]+\.\w+")


def breaches(books: Books, witness: Witness, *, admin_email: str = ADMIN_EMAIL) -> list[str]:
    """Every breach of every rule; none where all is well."""
    found = [breach for rule in RULES for breach in rule(books, witness)]
    return found + list(each_event_makes_one_email(books, admin_email))


def no_unit_is_lost_or_sold_twice(books: Books, witness: Witness) -> Iterator[str]:
    """For each product available + taken = initial + restocked, and neither is negative."""
    for id_, product in books.products.items():
        pools = {pool: product[pool] for pool in ("available", "taken")}
        if min(pools.values()) < 0:
            yield f"product {id_} is oversold: {pools}"
        if id_ in witness.stock and sum(pools.values()) != witness.stock[id_]:
            yield f"product {id_} had {witness.stock[id_]} units and has {pools}"


def stock_is_where_the_reservations_say(books: Books, _: Witness) -> Iterator[str]:
    """What is taken of a product is what reservations hold and have sold."""
    reserved: Counter[str] = Counter()
    for reservation in books.reservations.values():
        for line in reservation["lines"] if reservation["state"] != "released" else []:
            reserved[line["product_id"]] += line["quantity"]
    for id_, product in books.products.items():
        if product["taken"] != reserved[id_]:
            yield f"product {id_}: {product['taken']} taken, reserved {reserved[id_]}"


def an_ended_order_holds_no_stock(books: Books, _: Witness) -> Iterator[str]:
    """Stock of an order that went through is sold, that of all others is given back."""
    for id_, reservation in books.reservations.items():
        order = books.orders.get(id_)
        wanted = "confirmed" if order and order["status"] in _SOLD else "released"
        if reservation["state"] != wanted:
            status = order["status"] if order else "never placed"
            yield f"order {id_} is {status}, its stock is {reservation['state']}"
    for id_, order in books.orders.items():
        if id_ not in books.reservations and order["status"] in _SOLD:
            yield f"order {id_} is {order['status']} and its stock was never reserved"


def money_is_taken_once_or_given_back(books: Books, _: Witness) -> Iterator[str]:
    """A cancelled order's money is void or refunded, that of one that went through is captured
    once: all of it."""
    for id_, payment in books.payments.items():
        order = books.orders.get(id_)
        if order is None:
            yield f"payment {id_} is {payment['state']} without an order"
            continue
        refunds = _refunds(id_, order, payment)
        entries: Counter[str] = Counter(payment["entries"])
        if entries.pop("refunded", 0) != len(refunds) or max(entries.values()) > 1:
            yield f"payment {id_} was done twice: {payment['entries']}"
        left = order["total_minor"] - sum(refunds.values())
        if left < 0:
            yield f"order {id_}: {-left} more given back than taken"
        kept = "refunded" if refunds and not left else "captured"
        allowed = {kept} if order["status"] in _SOLD else {"voided", "refunded", "declined"}
        if payment["state"] not in allowed:
            yield f"order {id_} is {order['status']}, its money is {payment['state']}"
        last = "captured" if refunds and left else payment["state"]
        if payment["state"] != last or payment["entries"][-1] != ("refunded" if refunds else last):
            yield f"payment {id_} is {payment['state']} after {payment['entries']}"
        if payment.get("amount_minor", order["total_minor"]) != order["total_minor"]:
            yield f"order {id_}: {payment['amount_minor']} taken for {order['total_minor']}"
    for id_, order in books.orders.items():
        if order["status"] in _SOLD and id_ not in books.payments:
            yield f"order {id_} is {order['status']} and is not paid"


def _refunds(id_: str, order: Mapping[str, Any], payment: Mapping[str, Any]) -> Mapping[str, int]:
    """The amounts of a payment's refunds, by their keys. An earlier release has noted only that the
    whole payment is refunded."""
    if payment.get("state") == "refunded" and "refunds" not in payment:
        return {id_: order["total_minor"]}
    found: Mapping[str, int] = payment.get("refunds", {})
    return found


def refunds_are_made_once_and_are_in_their_orders(books: Books, witness: Witness) -> Iterator[str]:
    """Every refund that a client knows has ended; the provider has made those that have succeeded
    and no others, except one of its own for a cancelled order; the order has their sum."""
    for id_ in witness.refunds - books.refunds.keys():
        yield f"refund {id_} is lost"
    for id_, order in books.orders.items():
        own = {n: one for n, one in books.refunds.items() if one["pk"] == f"ORDER#{id_}"}
        made = {n: one["amount_minor"] for n, one in own.items() if one["status"] == "succeeded"}
        made = {n: amount for n, amount in made.items() if amount}
        paid_back = _refunds(id_, order, books.payments.get(id_, {}))
        if {n: amount for n, amount in paid_back.items() if n != id_} != made:
            yield f"order {id_} has the refunds {made}, the provider {paid_back}"
        if id_ in paid_back and order["status"] != "cancelled":
            yield f"order {id_} is {order['status']} and was given back as a whole"
        if [one for one in own.values() if one["status"] == "pending"] or order["refunding_minor"]:
            yield f"order {id_} has refunds that are not finished"
        if order["refunded_minor"] != sum(made.values()):
            yield f"order {id_} says {order['refunded_minor']} refunded, its refunds {made}"


def every_unit_is_refunded_or_returned_once(books: Books, witness: Witness) -> Iterator[str]:
    """Every return that a client knows exists, and what was received has its refund. No unit is in
    two of the refunds that have not failed and the returns that are open, and the order knows
    them."""
    for id_ in witness.returns - books.returns.keys():
        yield f"return {id_} is lost"
    claims: dict[str, Counter[str]] = {id_: Counter() for id_ in books.orders}
    for id_, one in books.returns.items():
        if one["status"] in ("requested", "approved"):
            claims[one["pk"].partition("#")[2]] += _quantities(one["lines"])
        if (one["status"] == "received") != (one.get("refund_id") in books.refunds):
            yield f"return {id_} is {one['status']}, its refund is {one.get('refund_id')}"
    for one in books.refunds.values():
        if one["status"] != "failed":
            claims[one["pk"].partition("#")[2]] += _quantities(one["lines"])
    for id_, order in books.orders.items():
        claimed = _quantities(order.get("claimed", ()))
        if claims[id_] != claimed:
            yield f"order {id_} has claims of {claimed}, its parts of {claims[id_]}"
        if not claimed <= _quantities(order["lines"]):
            yield f"order {id_}: more is claimed than was ordered: {claimed}"


def _quantities(lines: Sequence[Mapping[str, Any]]) -> Counter[str]:
    return Counter({line["product_id"]: line["quantity"] for line in lines})


def every_order_that_a_client_knows_ends(books: Books, witness: Witness) -> Iterator[str]:
    """It exists, is in an end state, and nothing is left to do for it."""
    for id_ in witness.orders - books.orders.keys():
        yield f"order {id_} is lost"
    for id_, order in books.orders.items():
        if order["status"] not in _ENDED or "due_at" in order:
            yield f"order {id_} is {order['status']} and still due {order.get('due_at')}"


def every_change_of_an_order_has_one_event(books: Books, _: Witness) -> Iterator[str]:
    """An order's events are its versions, one each, and folding them gives the order."""
    for id_, order in books.orders.items():
        events = books.events.get(id_, [])
        versions = [fact.version for fact in events]
        if versions != list(range(1, order["version"] + 1)):
            yield f"order {id_} is at version {order['version']}, its events are {versions}"
        elif (state := folded(events)) != {name: order.get(name) for name in state}:
            yield f"order {id_} is not what its events say: {state}"


def folded(events: Sequence[Event]) -> dict[str, Any]:
    """What an order is by its events alone."""
    state: dict[str, Any] = {}
    for fact in events:
        status = fact.data["status"]
        stays = fact.type == "user.erased" or fact.type.startswith(("order.refund", "order.return"))
        if state and status not in ({state["status"]} if stays else _follows(state["status"])):
            return {"status": f"{state['status']} → {status}"}
        if not stays and fact.type != (
            "order.placed" if status == "pending" else f"order.{status}"
        ):
            return {"status": f"{fact.type} says {status}"}
        state |= {name: value for name, value in fact.data.items() if name in _ORDER}
        state |= {"version": fact.version, "updated_at": fact.at}
        state.setdefault("created_at", fact.at)
    return state


def _follows(status: str) -> set[str]:
    following = {
        "pending": {"confirmed", "cancelled"},
        "confirmed": {"shipped", "cancelled"},
        "shipped": {"delivered"},
    }
    return following.get(status, set())


def each_step_below_the_threshold_has_one_event(books: Books, _: Witness) -> Iterator[str]:
    """A product on sale whose stock falls below the threshold is reported once for each time, at
    that version."""
    if books.product_steps is None:
        return
    low = Counter(
        f"{after['id']}.{after['version']}"
        for before, after in books.product_steps
        if after["is_active"] and after["available"] < LOW_STOCK <= before["available"]
    )
    # What came before the first step that is known was seen by no one.
    known_from = {before["id"]: before["version"] for before, _ in reversed(books.product_steps)}
    reported = Counter(
        fact.id
        for id_, version in known_from.items()
        for fact in books.events.get(id_, [])
        if fact.type == "product.low_stock" and fact.version > version
    )
    for id_ in low.keys() | reported.keys():
        if low[id_] != reported[id_]:
            yield f"the step to {id_} crossed {low[id_]} times, {reported[id_]} events say so"


def nothing_stays_unsent(books: Books, _: Witness) -> Iterator[str]:
    """Every event has been published."""
    for id_ in books.unsent:
        yield f"event {id_} was never published"


def erased_users(books: Books) -> set[str]:
    """The ids of those who were erased."""
    return {id_ for id_, user in books.users.items() if "erased_at" in user}


def no_item_has_data_of_an_erased_user(books: Books, witness: Witness) -> Iterator[str]:
    """Their address, and their name if no one else has it, is in no item of any table."""
    erased = erased_users(books) & witness.registered.keys()
    names = {name for id_, (_, name) in witness.registered.items() if id_ not in erased}
    texts = [(item, repr(item)) for item in books.everything] if erased else []
    for value in {value for id_ in erased for value in witness.registered[id_]} - names:
        for item, text in texts:
            if value in text:
                yield f"{item['pk']} {item['sk']} still holds {value}"


def an_erasure_has_its_events(books: Books, _: Witness) -> Iterator[str]:
    """Once by the user's events and in the history of each of their orders; their notifications are
    blank."""
    erased = erased_users(books)
    owners = {id_: order["user_id"] for id_, order in books.orders.items()} | {u: u for u in erased}
    for id_, owner in owners.items():
        types = [fact.type for fact in books.events.get(id_, [])]
        if types.count("user.erased") != (owner in erased):
            yield f"{id_} of {owner} has the history {types}"
    for notification in books.notifications:
        if notification["pk"].removeprefix("USER#") in erased and notification["body"] != ERASED:
            yield f"notification {notification['id']} of an erased user still says something"


def every_registered_user_exists_once(books: Books, witness: Witness) -> Iterator[str]:
    """With one address, one event, and no other; an erased one has no address."""
    for id_ in witness.registered.keys() - books.users.keys():
        yield f"user {id_} is lost"
    owners = Counter(guard["user_id"] for guard in books.addresses.values())
    for id_ in books.users.keys() | owners.keys():
        if id_ not in books.users or owners[id_] != (id_ not in erased_users(books)):
            is_stored = id_ in books.users
            yield f"user {id_} has {owners[id_]} addresses; an account exists: {is_stored}"
        times = [fact.type for fact in books.events.get(id_, [])].count("user.registered")
        if times != 1:
            yield f"user {id_} has registered {times} times by the events"


def the_totals_are_exact(books: Books, _: Witness) -> Iterator[str]:
    """What the counters say is what counting gives."""
    on_sale = [product for product in books.products.values() if product["is_active"]]
    counted: Mapping[str, Counter[str]] = {
        "UsersTable": Counter(
            total=len(books.users), active=sum(u["is_active"] for u in books.users.values())
        ),
        "ProductsTable": Counter(
            total=len(on_sale), total_stock=sum(p["available"] for p in on_sale)
        ),
        # Pending orders have no counter.
        "OrdersTable": Counter(
            order["status"] for order in books.orders.values() if order["status"] != "pending"
        ),
        # E-mails only.
        "NotificationsTable": Counter(n["status"] for n in books.notifications if "inbox" not in n),
    }
    for table, count in counted.items():
        for name in count.keys() | books.totals[table].keys():
            if count[name] != books.totals[table].get(name, 0):
                total = books.totals[table].get(name, 0)
                yield f"{table} counts {total} {name}, there are {count[name]}"


def each_event_makes_one_notification(books: Books, _: Witness) -> Iterator[str]:
    """Each (event, channel) with a recipient has exactly one, which is sent or failed."""
    kept = Counter(item["id"] for item in books.notifications)
    wanted = {
        _notification_id(fact, kept): fact.id
        for events in books.events.values()
        for fact in events
        if compose(fact)
    }
    for id_ in wanted.keys() | kept.keys():
        if kept[id_] != (id_ in wanted):
            yield f"event {wanted.get(id_, '?')} has {kept[id_]} notifications ({id_})"
    for item in books.notifications:
        if item["status"] == "pending":
            yield f"the notification of {wanted.get(item['id'], '?')} was never sent"


def each_event_makes_one_email(books: Books, admin_email: str) -> Iterator[str]:
    """And each e-mail is handed to the provider once: never less, and more only where
    `docs/reliability.md` says. Each one more is a breach of its own. A notification that is only in
    the inbox has none. One that a later event of its order has superseded, in the last release,
    need not have one."""
    handed = Counter(replace(email, text=_TOKEN.sub("", email.text)) for email in books.emails)
    wanted: Counter[HandedOver] = Counter()
    of_erased: Counter[HandedOver] = Counter()
    needless: Counter[HandedOver] = Counter()
    unmailed = {
        item["id"] for item in books.notifications if item["status"] == "failed" or "inbox" in item
    }
    superseded = {i["id"] for i in books.notifications if i.get("reason") == "superseded"}
    for id_, facts in _by_notification(books).items():
        if id_ in unmailed:
            continue
        # One of those that are about the same product and day.
        offered = [_handed_over(fact, admin_email) for fact in facts]
        fact, email = facts[0], max(offered, key=handed.__getitem__)
        to = email.to
        key = _anonymous(email) if is_erased_email(to) else email
        (of_erased if is_erased_email(to) else wanted)[key] += 1
        if id_ in superseded:
            needless[key] += 1
            if not _is_superseded(books, fact):
                yield f"{email} was not sent, and nothing supersedes it"
    # Their recipients are erased: the other parts are compared.
    for email in list(handed):
        if email not in wanted and _anonymous(email) in of_erased:
            handed[_anonymous(email)] += handed.pop(email)
    wanted += of_erased
    for email in wanted.keys() | handed.keys():
        if handed[email] < wanted[email] - needless[email]:
            yield f"{email} was handed over {handed[email]} times for {wanted[email]} events"
        for _ in range(handed[email] - wanted[email]):
            times = f"{handed[email]} times for {wanted[email]} events"
            yield f"{DOUBLED}: {email} was handed over {times}"


def what_is_only_in_the_inbox_is_superseded(books: Books, _: Witness) -> Iterator[str]:
    """A later event of its order has an e-mail."""
    kept = {item["id"] for item in books.notifications if "inbox" in item}
    for id_, facts in _by_notification(books).items():
        if id_ in kept and not _is_superseded(books, facts[0]):
            yield f"{facts[0].id} was not mailed, and nothing supersedes it"


def _is_superseded(books: Books, fact: Event) -> bool:
    return fact.type == "order.placed" and books.events[fact.aggregate_id][-1] != fact


def _letter(fact: Event) -> Email | None:
    """The e-mail of an event, whose link has no token."""
    letter = compose(fact)
    if letter is None or letter.link is None:
        return letter
    return compose(fact, url=f"{_SHOP_URL}/{letter.link.page}")


def _by_notification(books: Books) -> dict[str, list[Event]]:
    """The events that have an e-mail, by the ids of their notifications."""
    found: dict[str, list[Event]] = {}
    kept = {item["id"] for item in books.notifications}
    for fact in (fact for events in books.events.values() for fact in events):
        if compose(fact):
            found.setdefault(_notification_id(fact, kept), []).append(fact)
    return found


def _notification_id(fact: Event, kept: Container[str]) -> str:
    """The id of its notification, which the release before made for each event of a product."""
    text = f"{fact.at}#{fact.id}#email"
    former = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    return former if former in kept else notification_id(fact)


def _handed_over(fact: Event, admin_email: str) -> HandedOver:
    letter = _letter(fact)
    assert letter
    to = letter.recipient.email if letter.recipient else admin_email
    return HandedOver(to, letter.subject, letter.text)


def _anonymous(email: HandedOver) -> HandedOver:
    """The e-mail without whom it is to, and whom it greets in its first line."""
    return HandedOver("", email.subject, email.text.partition("\n")[2])


DOUBLED: Final = "an e-mail doubled"


def no_answer_holds_another_customers_data(books: Books, witness: Witness) -> Iterator[str]:
    """Ids and addresses of users and orders are in responses to their owners only."""
    owners = {id_: id_ for id_ in books.users}
    owners |= {user["email"]: id_ for id_, user in books.users.items()}
    owners |= {id_: order["user_id"] for id_, order in books.orders.items()}
    for asked, text in witness.answers:
        for found in _ids(text):
            if owners.get(found, asked) != asked:
                yield f"{asked or 'a stranger'} got {found}, which is {owners[found]}'s"


@cache
def _ids(text: str) -> frozenset[str]:
    return frozenset(_ID.findall(text))


RULES: Final[tuple[Rule, ...]] = (
    no_unit_is_lost_or_sold_twice,
    stock_is_where_the_reservations_say,
    an_ended_order_holds_no_stock,
    money_is_taken_once_or_given_back,
    refunds_are_made_once_and_are_in_their_orders,
    every_unit_is_refunded_or_returned_once,
    every_order_that_a_client_knows_ends,
    every_change_of_an_order_has_one_event,
    each_step_below_the_threshold_has_one_event,
    nothing_stays_unsent,
    no_item_has_data_of_an_erased_user,
    an_erasure_has_its_events,
    every_registered_user_exists_once,
    the_totals_are_exact,
    each_event_makes_one_notification,
    what_is_only_in_the_inbox_is_superseded,
    no_answer_holds_another_customers_data,
)
