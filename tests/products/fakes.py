"""The ports of the products service in memory."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from products.catalogue.models import Position, Product, Receipt, Search
from products.catalogue.text import folded
from products.reservations.models import Reservation
from products.reservations.ports import StockMismatch
from shared.contracts.events import Event
from shared.messaging import outbox
from shared.pages import Page
from shared.storage.conflicts import ConcurrentChange


class InMemoryProducts:
    """Products, their index, receipts and events; one contract suite tests them and DynamoDB.

    Attributes:
        rivals: concurrent changes. Before each write the next one is called.
    """

    def __init__(self, threshold: int = 0) -> None:
        self.threshold = threshold
        self.products: dict[str, Product] = {}
        self.receipts: dict[tuple[str, str, str], Receipt] = {}
        self.events: list[Event] = []
        self.rivals: list[Callable[[], object]] = []

    def call_rival(self) -> None:
        if self.rivals:
            self.rivals.pop(0)()

    def add(self, product: Product) -> None:
        self.products[product.id] = product

    def find(self, product_id: str) -> Product | None:
        return self.products.get(product_id)

    def change(self, before: Product, after: Product, *, exactly: bool) -> None:
        self.call_rival()
        current = self.products[before.id]
        needs_version = exactly or before.is_active != after.is_active
        if current.edition != before.edition:
            raise ConcurrentChange
        if needs_version and current.version != before.version:
            raise ConcurrentChange
        self.products[before.id] = replace(
            after,
            available=current.available,
            taken=current.taken,
            version=current.version + 1,
        )

    def restock(
        self, product: Product, delta: int, *, at: datetime, receipt: Receipt | None
    ) -> None:
        self.call_rival()
        current = self.products[product.id]
        if (receipt and _key(receipt) in self.receipts) or current.is_active != product.is_active:
            raise ConcurrentChange
        after, events = self.step(current, delta, product, at)
        self.products[product.id] = after
        self.events += events
        if receipt:
            self.receipts[_key(receipt)] = receipt

    def step(
        self, product: Product, delta: int, seen: Product, at: datetime
    ) -> tuple[Product, list[Event]]:
        """The product after a change of its stock, and the event of the change."""
        if product.available + delta < 0:
            raise ConcurrentChange
        after = product.restocked(delta, at=at)
        low = after.low_stock_since(product, self.threshold)
        expected = seen.restocked(delta, at=at).low_stock_since(seen, self.threshold)
        if expected != low or (low and seen.version != product.version):
            raise ConcurrentChange
        if low is None:
            return after, []
        event = outbox.event(
            "product.low_stock",
            aggregate_id=after.id,
            version=after.version,
            at=after.updated_at,
            data=low.model_dump(),
        )
        return after, [event]

    def find_receipt(self, receipt: Receipt) -> Receipt | None:
        return self.receipts.get(_key(receipt))

    def keep_answer(self, receipt: Receipt, answer: Product) -> Product:
        kept = self.receipts[_key(receipt)].answer or answer
        self.receipts[_key(receipt)] = replace(receipt, answer=kept)
        return kept

    def totals(self) -> Mapping[str, int]:
        on_sale = [product for product in self.products.values() if product.is_active]
        return {
            "total": len(on_sale),
            "total_stock": sum(product.available for product in on_sale),
        }

    def page(
        self, search: Search, *, limit: int, after: Position | None
    ) -> Page[Product, Position]:
        found = [product for product in self.products.values() if search.finds(product)]
        match search.sort:
            case "price" | "-price":
                found.sort(key=lambda p: (p.price_minor, p.id), reverse=search.sort == "-price")
            case "name":
                found.sort(key=lambda p: (folded(p.name), p.id))
            case "newest":
                found.sort(key=lambda p: (p.created_at, p.id), reverse=True)
        start = int(after["next"]) if after else 0
        last = {"next": start + limit} if len(found) > start + limit else None
        return Page(found[start : start + limit], last)


class InMemoryReservations:
    """Reservations of the products of a fake."""

    def __init__(self, catalogue: InMemoryProducts) -> None:
        self._catalogue = catalogue
        self.reservations: dict[str, Reservation] = {}

    def find(self, order_id: str) -> Reservation | None:
        return self.reservations.get(order_id)

    def look_up(
        self, order_id: str, product_ids: Iterable[str]
    ) -> tuple[Reservation | None, Mapping[str, Product]]:
        wanted = set(product_ids)
        found = {id_: p for id_, p in self._catalogue.products.items() if id_ in wanted}
        return self.find(order_id), found

    def hold(self, reservation: Reservation, seen: Mapping[str, Product], *, at: datetime) -> None:
        self._catalogue.call_rival()
        if reservation.order_id in self.reservations:
            raise ConcurrentChange
        held: dict[str, Product] = {}
        events: list[Event] = []
        for line in reservation.lines:
            product = self._catalogue.products[line.product_id]
            if not product.is_active or product.price_minor != line.unit_price_minor:
                raise ConcurrentChange
            after, low = self._catalogue.step(product, -line.quantity, seen[line.product_id], at)
            held[product.id] = replace(after, taken=product.taken + line.quantity)
            events += low
        self._catalogue.products |= held
        self._catalogue.events += events
        self.reservations[reservation.order_id] = reservation

    def settle(self, before: Reservation | None, after: Reservation, *, at: datetime) -> None:
        self._catalogue.call_rival()
        current = self.find(after.order_id)
        if (current and current.state) != (before and before.state):
            raise ConcurrentChange
        released: dict[str, Product] = {}
        for line in after.lines if after.state == "released" else ():
            product = self._catalogue.products[line.product_id]
            if product.taken < line.quantity:
                raise StockMismatch
            released[product.id] = replace(
                product.restocked(line.quantity, at=at), taken=product.taken - line.quantity
            )
        self._catalogue.products |= released
        self.reservations[after.order_id] = after

    def due(self, at: datetime) -> Iterator[str]:
        oldest_first = sorted(self.reservations.values(), key=lambda found: found.expires_at)
        return iter([found.order_id for found in oldest_first if found.has_expired(at)])


def _key(receipt: Receipt) -> tuple[str, str, str]:
    return receipt.caller_id, receipt.product_id, receipt.key
