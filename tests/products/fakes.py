"""A shop in memory: all ports of the products service over a few dicts."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from products.errors import BooksBroken, Overtaken
from products.models import Place, Product, ProductPage, Receipt, Reservation, Search
from products.words import folded
from shared.clock import rfc3339
from shared.contracts.events import Event


class InMemoryShop:
    """Products, their lists, their reservations and their events.

    `rivals` are called one before each write, in this order: they come between a reader and its writing.
    """

    def __init__(self) -> None:
        self.products: dict[str, Product] = {}
        self.receipts: dict[tuple[str, str, str], Receipt] = {}
        self.reservations: dict[str, Reservation] = {}
        self.facts: dict[str, Event] = {}
        self.rivals: list[Callable[[], None]] = []

    def _let_a_rival_in(self) -> None:
        if self.rivals:
            self.rivals.pop(0)()

    # ── Products ──

    def add(self, product: Product) -> None:
        self.products[product.id] = product

    def find(self, product_id: str) -> Product | None:
        return self.products.get(product_id)

    def change(self, before: Product, after: Product, *, exactly: bool) -> None:
        self._let_a_rival_in()
        current = self.products[before.id]
        pinned = exactly or before.is_active != after.is_active
        if current.edition != before.edition or (pinned and current.version != before.version):
            raise Overtaken
        self.products[before.id] = replace(
            after,
            available=current.available,
            taken=current.taken,
            version=current.version + 1,
        )

    def restock(
        self, product: Product, delta: int, *, at: datetime, receipt: Receipt | None
    ) -> None:
        self._let_a_rival_in()
        current = self.products[product.id]
        if receipt and _key(receipt) in self.receipts:
            raise Overtaken
        if current.is_active != product.is_active or current.available + delta < 0:
            raise Overtaken
        self.products[product.id] = current.restocked(delta, at=at)
        if receipt:
            self.receipts[_key(receipt)] = receipt

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

    # ── ProductIndex ──

    def page(self, search: Search, *, limit: int, after: Place | None) -> ProductPage:
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
        return ProductPage(found[start : start + limit], last)

    # ── Reservations ──

    def look_up(
        self, order_id: str, product_ids: Iterable[str]
    ) -> tuple[Reservation | None, Mapping[str, Product]]:
        wanted = set(product_ids)
        products = {id_: p for id_, p in self.products.items() if id_ in wanted}
        return self.reservations.get(order_id), products

    def settle(self, before: Reservation | None, after: Reservation, *, at: datetime) -> None:
        self._let_a_rival_in()
        current = self.reservations.get(after.order_id)
        if (current and current.state) != (before and before.state):
            raise Overtaken
        source = before.pool if before else "available"
        moved: dict[str, Product] = {}
        for line in after.lines if source != after.pool else ():
            product = self.products[line.product_id]
            if before is None and (
                not product.is_active or product.price_minor != line.unit_price_minor
            ):
                raise Overtaken
            pools = {pool: getattr(product, pool) for pool in ("available", "taken")}
            if pools[source] < line.quantity:
                raise Overtaken if before is None else BooksBroken
            pools[source] -= line.quantity
            pools[after.pool] += line.quantity
            moved[product.id] = replace(
                product, **pools, version=product.version + 1, updated_at=rfc3339(at)
            )
        self.products |= moved
        self.reservations[after.order_id] = after

    def due(self, at: datetime) -> list[str]:
        held = sorted(self.reservations.values(), key=lambda r: r.expires_at)
        return [reservation.order_id for reservation in held if reservation.has_expired(at)]

    # ── Outbox ──

    def record(self, fact: Event) -> None:
        self.facts.setdefault(fact.id, fact)


class InMemoryReservations:
    """The shop's reservations as their port has them."""

    def __init__(self, shop: InMemoryShop) -> None:
        self._shop = shop
        self.look_up = shop.look_up
        self.settle = shop.settle
        self.due = shop.due

    def find(self, order_id: str) -> Reservation | None:
        return self._shop.reservations.get(order_id)


def _key(receipt: Receipt) -> tuple[str, str, str]:
    return receipt.caller_id, receipt.product_id, receipt.key
