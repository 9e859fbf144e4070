"""What must hold of the shop, whatever happened to it, once it has come to rest.

At rest: the queues are empty, the sweepers have run after every deadline has passed. The rules are
those of `operations.reconciliation`, which hold in any shop, and those here, which need all events,
e-mails and responses. Each yields a sentence for every breach, so that a test says
`assert not breaches(books, witness)` and reads what is wrong.
"""

import base64
import re
from collections import Counter
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import fields, replace
from functools import cache
from typing import Any, Final

from notifications.emails.models import Email
from notifications.emails.templates import compose
from notifications.models import notification_id
from operations.reconciliation.rules import ORDER_RULES, SHOP_RULES, findings, refunds_of
from orders.models import Order
from shared.contracts.events import Event
from shared.personal import ERASED, is_erased_email
from tests.support.books import Books, HandedOver, Witness
from tools.template import template

type Rule = Callable[[Books, Witness], Iterator[str]]

ADMIN_EMAIL: Final = "admin@example.com"
LOW_STOCK: Final = int(template()["Parameters"]["LowStockThreshold"]["Default"])
_ORDER: Final = {field.name for field in fields(Order)} | {"total_minor"}
_SHOP_URL: Final = template()["Parameters"]["ShopUrl"]["Default"]
_TOKEN: Final = re.compile(r"\?token=\S+")
_ID: Final = re.compile(r"\b[0-9a-f]{32}\b|[\w.+-]+@[\w-]+\.\w+")


def breaches(books: Books, witness: Witness, *, admin_email: str = ADMIN_EMAIL) -> list[str]:
    """Every breach of every rule; none where all is well."""
    found = [finding.text for finding in findings(books, *ORDER_RULES, *SHOP_RULES)]
    found += [breach for rule in RULES for breach in rule(books, witness)]
    return found + list(each_event_makes_one_email(books, admin_email))


def no_unit_is_lost(books: Books, witness: Witness) -> Iterator[str]:
    """For each product available + taken = initial + restocked."""
    for id_, product in books.products.items():
        pools = {pool: product[pool] for pool in ("available", "taken")}
        if id_ in witness.stock and sum(pools.values()) != witness.stock[id_]:
            yield f"product {id_} had {witness.stock[id_]} units and has {pools}"


def each_operation_of_a_payment_is_done_once(books: Books, _: Witness) -> Iterator[str]:
    """The sandbox's entries say so, and the last one is the payment's state."""
    for id_, payment in books.payments.items():
        order = books.orders.get(id_)
        if order is None:
            yield f"payment {id_} is {payment['state']} without an order"
            continue
        refunds = refunds_of(id_, order, payment)
        entries: Counter[str] = Counter(payment["entries"])
        if entries.pop("refunded", 0) != len(refunds) or max(entries.values()) > 1:
            yield f"payment {id_} was done twice: {payment['entries']}"
        left = order["total_minor"] - sum(refunds.values())
        last = "captured" if refunds and left else payment["state"]
        if payment["state"] != last or payment["entries"][-1] != ("refunded" if refunds else last):
            yield f"payment {id_} is {payment['state']} after {payment['entries']}"


def nothing_that_a_client_knows_is_lost(books: Books, witness: Witness) -> Iterator[str]:
    """Orders, refunds and returns."""
    for id_ in witness.orders - books.orders.keys():
        yield f"order {id_} is lost"
    for id_ in witness.refunds - books.refunds.keys():
        yield f"refund {id_} is lost"
    for id_ in witness.returns - books.returns.keys():
        yield f"return {id_} is lost"


def an_order_is_what_its_events_say(books: Books, _: Witness) -> Iterator[str]:
    """Folding the events of an order gives the order."""
    for id_, order in books.orders.items():
        state = folded(books.events.get(id_, []))
        if state != {name: order.get(name) for name in state}:
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


def each_event_makes_one_notification(books: Books, _: Witness) -> Iterator[str]:
    """Each event with a recipient has exactly one, and no other exists."""
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
    no_unit_is_lost,
    each_operation_of_a_payment_is_done_once,
    nothing_that_a_client_knows_is_lost,
    an_order_is_what_its_events_say,
    each_step_below_the_threshold_has_one_event,
    no_item_has_data_of_an_erased_user,
    an_erasure_has_its_events,
    every_registered_user_exists_once,
    each_event_makes_one_notification,
    what_is_only_in_the_inbox_is_superseded,
    no_answer_holds_another_customers_data,
)
