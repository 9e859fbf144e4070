"""`make reconcile`: compares orders, stock, payments at the provider, notifications and totals, and
prints what disagrees with the command that mends it.

Reads the open shop on a port of this machine, or with --env a deployed shop, with this machine's
AWS credentials. It reads all four tables; OperationsReconciler compares recent orders each day.
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, get_args

from botocore.exceptions import BotoCoreError, ClientError

from operations.reconciliation.models import CATEGORY, TABLES, Books, Finding, Mend, read, repeated
from operations.reconciliation.rules import (
    ORDER_RULES,
    SHOP_RULES,
    counted_totals,
    findings,
    reserved_units,
)
from operations.reconciliation.service import at_rest
from orders.payments.ports import (
    Charge,
    NoSuchPayment,
    PaymentOutcomeUnknown,
    PaymentRecords,
    Payments,
    PaymentUnavailable,
    RefundRefused,
)
from orders.payments.sandbox import SandboxPayments
from orders.payments.stripe import StripePayments
from products.catalogue.repository.items import counting
from products.reservations.repository import DynamoReservations
from products.reservations.service import ReservationService
from shared.contracts.inventory import Line, OutOfStock, ReservationEnded, UnknownProduct
from shared.messaging import outbox
from shared.runtime import clock
from shared.runtime.secrets import Secrets
from shared.storage import counters
from shared.storage.due import due_mark
from shared.storage.dynamodb import Item, Table, TransactionFailed, Update, from_wire
from tools.local.arguments import Parser, Where, add_where, where
from tools.progress import Problem, exit_code, step

type Provider = SandboxPayments | StripePayments

_BY_HAND: Final = "docs/runbook.md, “An alarm: orders disagree”, says what to look at"


@dataclass(frozen=True)
class Stored:
    """Where a shop has what is compared.

    Attributes:
        tables: by their names in the template.
    """

    tables: Mapping[str, Table]
    payments: Provider

    def books(self) -> Books:
        """All that is stored, and the payments of the provider."""
        books = read({name: scanned(self.tables[name]) for name in TABLES})
        if isinstance(self.payments, SandboxPayments):
            return books
        return replace(books, payments=_recorded(self.payments, books))


def scanned(table: Table) -> list[Item]:
    """All items of a table."""
    pages = table.client.get_paginator("scan").paginate(TableName=table.name, ConsistentRead=True)
    return [from_wire(item) for page in pages for item in page["Items"]]


def _recorded(payments: PaymentRecords, books: Books) -> Mapping[str, dict[str, Any]]:
    now = datetime.now(UTC)
    begins = [datetime.fromisoformat(order["created_at"]) for order in books.orders.values()]
    charges = [
        Charge(id_, order["total_minor"], order["currency"], "", order.get("payment_id"))
        for id_, order in books.orders.items()
    ]
    found = payments.recorded(charges, since=min(begins, default=now), until=now)
    return {record.key: asdict(record) for record in found}


def compared(stored: Stored, at: datetime | None = None) -> tuple[Books, list[Finding]]:
    """The books, and what disagrees in two readings of them.

    Args:
        at: a later moment than now, for a shop at rest: what is under way is late then.
    """
    books, found = _compared(stored, at)
    if found:
        books, again = _compared(stored, at)
        found = repeated(again, found)
    return books, found


def _compared(stored: Stored, at: datetime | None) -> tuple[Books, list[Finding]]:
    books = stored.books()
    of_orders = findings(at_rest(books, at or clock.now()), *ORDER_RULES)
    return books, of_orders + findings(books, *SHOP_RULES)


class Mender:
    """Mends what disagrees. Each mend may be repeated."""

    def __init__(self, stored: Stored, books: Books) -> None:
        self._stored = stored
        self._books = books
        self._orders = stored.tables["OrdersTable"]
        self._products = stored.tables["ProductsTable"]
        self._tables = stored.tables
        self._payments: Payments = stored.payments
        self._stock = ReservationService(DynamoReservations(self._products))

    def mend(self, action: Mend, id_: str) -> None:
        """Do what `Mend` says.

        Raises:
            Problem: it cannot be done.
        """
        mends: Mapping[Mend, Callable[[str], object]] = {
            "resume": self._resume,
            "take": self._take,
            "release": self._stock.release,
            "repay": self._repay,
            "publish": self._publish,
            "stock": self._correct_stock,
            "count": self._count,
        }
        if action not in mends:
            raise Problem(f"That is for `make dlq`: make dlq ACTION=redrive QUEUE={id_}")
        try:
            mends[action](id_)
        except KeyError:
            raise Problem(f"There is no {id_} to {action}.") from None
        except (OutOfStock, UnknownProduct, ReservationEnded) as refusal:
            raise Problem(f"{action} {id_}: {refusal.detail} A person has to decide.") from None
        except (NoSuchPayment, RefundRefused, PaymentUnavailable, PaymentOutcomeUnknown) as cause:
            raise Problem(f"{action} {id_}: the provider says {type(cause).__name__}.") from None

    def _resume(self, order_id: str) -> None:
        order = self._books.orders[order_id]
        self._orders.update_unseen(
            {"pk": order["pk"], "sk": order["sk"]},
            "SET #due = :due, #due_at = :now",
            values={
                "due": due_mark(self._orders, int(order_id, 16)),
                "now": clock.rfc3339(clock.now()),
            },
        )

    def _take(self, order_id: str) -> None:
        lines = self._books.orders[order_id]["lines"]
        wanted = [Line(product_id=one["product_id"], quantity=one["quantity"]) for one in lines]
        self._stock.reserve(order_id, wanted)
        self._stock.confirm(order_id)

    def _repay(self, key: str) -> None:
        payment = self._books.payments[key]
        currency = str(payment.get("currency", ""))
        charge = Charge(key, payment["amount_minor"], currency, "", payment.get("id", key))
        if self._payments.void(charge).state == "captured":
            left = payment["amount_minor"] - sum(payment.get("refunds", {}).values())
            self._payments.refund(charge, key=key, amount_minor=left)

    def _publish(self, event_id: str) -> None:
        order_id, _, version = event_id.partition(".")
        # As `outbox.repeat` does, however often.
        self._orders.update_unseen(
            {"pk": self._books.orders[order_id]["pk"], "sk": outbox.sort_key(int(version))},
            "SET #unsent = :shard, #repeated = :shard",
            values={"shard": "0"},
        )

    def _correct_stock(self, product_id: str) -> None:
        product = self._books.products[product_id]
        if product.get("spread"):
            raise Problem("The product is in a rush: again two minutes after its end.")
        more = product["taken"] - reserved_units(self._books)[product_id]
        change = Update(
            {"pk": product["pk"], "sk": product["sk"]},
            "SET #taken = #taken - :more, #available = #available + :more,"
            " #version = #version + :one, #updated_at = :now",
            condition="#taken = :taken AND #available >= :less",
            values={
                "more": more,
                "less": max(0, -more),
                "taken": product["taken"],
                "one": 1,
                "now": clock.rfc3339(clock.now()),
            },
        )
        on_sale = {"total_stock": more} if product["is_active"] else {}
        counts = [counters.adding(self._products, on_sale)] if on_sale else []
        try:
            self._products.transact([change, *counts])
        except TransactionFailed:
            raise Problem(
                f"product {product_id} has just changed, or has fewer units than were sold:"
                " count the units in the warehouse."
            ) from None

    def _count(self, name: str) -> None:
        # Only what a second reading has too: an open shop counts on.
        deltas, again = (_missing(books, name) for books in (self._books, self._stored.books()))
        if wrong := {n: delta for n, delta in deltas.items() if delta and delta == again.get(n)}:
            table = self._tables[name]
            of_categories = [n for n in wrong if n.startswith(CATEGORY)]
            for total in of_categories:
                table.transact([counting(total.removeprefix(CATEGORY), wrong.pop(total))])
            if wrong:
                table.transact([counters.adding(table, wrong)])


def _missing(books: Books, name: str) -> Mapping[str, int]:
    """What the totals of a table lack."""
    kept, counted = books.totals[name], counted_totals(books)[name]
    return {n: counted[n] - kept.get(n, 0) for n in counted.keys() | kept.keys()}


def stored(shop: Where) -> Stored:
    """The tables and the payments of a shop on this machine or a deployed one."""
    cloudformation = shop.client("cloudformation")
    dynamodb = shop.client("dynamodb")
    given = cloudformation.describe_stacks(StackName=shop.stack)["Stacks"][0]["Parameters"]
    parameters = {one["ParameterKey"]: one["ParameterValue"] for one in given}

    def table(name: str) -> Table:
        found = cloudformation.describe_stack_resource(StackName=shop.stack, LogicalResourceId=name)
        physical = found["StackResourceDetail"]["PhysicalResourceId"]
        return Table(physical, dynamodb, shards=int(parameters.get("Shards", 1)))

    tables = {name: table(name) for name in TABLES}
    payments: Provider = SandboxPayments(tables["OrdersTable"])
    if parameters.get("PaymentProvider") == "stripe":
        payments = StripePayments(Secrets(shop.client("ssm"), parameters["StripeSecret"]))
    return Stored(tables, payments)


def show(books: Books, found: list[Finding], suffix: str) -> None:
    """Print what disagrees, each with what mends it; `suffix` are make's arguments for this
    shop."""
    for finding in found:
        print(f"  {finding.text}\n      {_command(finding, suffix)}")
    print(
        f"▸ {len(books.orders)} orders, {len(books.reservations)} reservations,"
        f" {len(books.payments)} payments, {len(books.notifications)} notifications:",
        f"{len(found)} disagreements" if found else "nothing disagrees",
    )


def _command(finding: Finding, suffix: str) -> str:
    if finding.mend is None:
        return _BY_HAND
    if finding.mend == "redrive":
        return f"make dlq ACTION=redrive QUEUE={finding.id}{suffix}"
    return f"make reconcile MEND={finding.mend}:{finding.id}{suffix}"


def mend_all(stored: Stored, books: Books, found: list[Finding]) -> None:
    """Mend what can be mended without a person, each once; print what cannot."""
    mender = Mender(stored, books)
    for action, id_ in dict.fromkeys((f.mend, f.id) for f in found if f.mend):
        if action in ("redrive", None):
            continue
        try:
            mender.mend(action, id_)
            print(f"▸ {action} {id_}")
        except Problem as problem:
            print(f"▸ not done: {problem}")


def mend_one(stored: Stored, wanted: str) -> None:
    """Mend what was printed, if it still disagrees.

    Raises:
        Problem: it does not disagree, or cannot be mended.
    """
    action, id_ = _mend(wanted)
    books, found = compared(stored)
    if (action, id_) not in {(one.mend, one.id) for one in found}:
        raise Problem(f"Nothing disagrees that {wanted} mends: `make reconcile` lists what does.")
    Mender(stored, books).mend(action, id_)


def _mend(text: str) -> tuple[Mend, str]:
    action, _, id_ = text.partition(":")
    for known in get_args(Mend.__value__):
        if action == known and id_:
            return known, id_
    raise argparse.ArgumentTypeError(f"MEND={text} is nothing that `make reconcile` has printed")


def main() -> bool:
    parser = Parser(prog="make reconcile", description=__doc__)
    add_where(parser)
    parser.add_argument("--mend", default="", help="what was printed, or all")
    options = parser.parse_args()
    try:
        shop = where(options)
        place = stored(shop)
        if options.mend not in ("", "all"):
            mend_one(place, options.mend)
            print("▸ done; the shop needs up to two minutes. `make reconcile` compares again.")
            return True
        with step("compare"):
            books, found = compared(place)
        if options.mend:
            mend_all(place, books, found)
            print("▸ the shop needs up to two minutes. `make reconcile` compares again.")
            return True
        show(books, found, shop.suffix)
        return not found
    except argparse.ArgumentTypeError as wrong:
        raise Problem(f"{wrong}.") from None
    except (BotoCoreError, ClientError) as cause:
        raise Problem(f"The shop cannot be read: {cause}") from None
    except (PaymentUnavailable, PaymentOutcomeUnknown):
        raise Problem("The payment provider does not answer: try again later.") from None


if __name__ == "__main__":
    sys.exit(exit_code(main))
