"""Products: stock that is held, sold and given back, each once, and changes of stock under a key."""

from typing import Final

from tools.mutants.mutant import Mutant, matrix

_RESERVATIONS: Final = "functions/products/repository/reservations.py"
_PRODUCTS: Final = "functions/products/repository/products.py"
_SERVICE: Final = "functions/products/service/reservations.py"
_CATALOGUE: Final = "functions/products/service/catalogue.py"
_MODELS: Final = "functions/products/models.py"
_HELD: Final = ("tests/products/test_reservation_stores.py",)
_STOCKED: Final = ("tests/products/test_product_stores.py",)
_RESERVED: Final = ("tests/products/test_reservations.py",)
_RESTOCKED: Final = ("tests/products/test_catalogue.py",)

MUTANTS: Final = (
    Mutant(
        "stock is held without looking whether the order holds some",
        _RESERVATIONS,
        'return Put(item, condition="attribute_not_exists(#pk)")',
        "return Put(item)",
        _HELD,
    ),
    Mutant(
        "a reservation is changed whatever its state",
        _RESERVATIONS,
        'return Put(item, condition="#state = :seen", values={"seen": before.state})',
        "return Put(item)",
        _HELD,
    ),
    Mutant(
        "more is held than there is",
        _RESERVATIONS,
        'condition = f"#{source} >= :quantity AND',
        'condition = f"attribute_exists(#{source}) AND',
        _HELD,
    ),
    Mutant(
        "stock of a withdrawn product moves in the total",
        _RESERVATIONS,
        """#{source} >= :quantity AND #is_active = :is_active"
    values: dict[str, Any] = {
        "quantity": line.quantity,
        "one": 1,
        "is_active": is_active,
""",
        """#{source} >= :quantity"
    values: dict[str, Any] = {
        "quantity": line.quantity,
        "one": 1,
""",
        _HELD,
    ),
    Mutant(
        "stock is held at a price that has changed",
        _RESERVATIONS,
        """        condition += " AND #price_minor = :price_minor"
        values["price_minor"] = line.unit_price_minor
""",
        "        pass\n",
        _HELD,
    ),
    Mutant(
        "what is held is not taken off the total",
        _RESERVATIONS,
        'sign = -1 if source == "available" else 1',
        'sign = 0 if source == "available" else 1',
        _HELD,
    ),
    Mutant(
        "the sweeper looks for expired reservations in one shard",
        _RESERVATIONS,
        "for shard in range(_SHARDS):",
        "for shard in range(1):",
        _HELD,
    ),
    Mutant(
        "a sale moves the units again",
        _RESERVATIONS,
        "if before and before.pool == after.pool:",
        "if before and before.state == after.state:",
        _HELD,
    ),
    Mutant(
        "a second reserve passes for the first",
        _SERVICE,
        "return Hold(existing, existing.seconds_held(at))",
        "return Hold(existing, None)",
        _RESERVED,
    ),
    Mutant(
        "a release of nothing leaves no tombstone",
        _SERVICE,
        "            self._reservations.settle(None, Reservation.tombstone(order_id, at=at), at=at)\n",
        "            return\n",
        _RESERVED,
    ),
    Mutant(
        "a reserve takes what was released for held",
        _SERVICE,
        """            if existing.state == "released":
                raise ReservationEnded(_ENDED)
""",
        "",
        _RESERVED,
    ),
    Mutant(
        "what was released is confirmed",
        _MODELS,
        """        if self.state == "released":
            raise ReservationEnded("The reservation was released.")
""",
        "",
        ("tests/products/test_models.py", *_RESERVED),
    ),
    Mutant(
        "a reserve that comes twice misses what it holds itself",
        _SERVICE,
        "existing, lines = self._reservations.find(order_id), ()",
        "existing, lines = None, ()",
        _RESERVED,
    ),
    Mutant(
        "the sweeper believes a stale index",
        _SERVICE,
        "if found is None or not found.has_expired(at):",
        "if found is None:",
        _RESERVED,
    ),
    Mutant(
        "a reservation that cannot be given back stops the sweeper",
        _SERVICE,
        '                metrics.count("ReservationsNotExpired")\n',
        "                raise\n",
        _RESERVED,
    ),
    Mutant(
        "a stock change is written without looking for its receipt",
        _PRODUCTS,
        'Put(_receipt_item(receipt, at), condition="attribute_not_exists(#pk)")',
        "Put(_receipt_item(receipt, at))",
        matrix("restock"),
    ),
    Mutant(
        "a stock change's receipt is written before it",
        _PRODUCTS,
        """            operations.append(
                Put(_receipt_item(receipt, at), condition="attribute_not_exists(#pk)")
            )
""",
        """            self._transact(
                [Put(_receipt_item(receipt, at), condition="attribute_not_exists(#pk)")]
            )
""",
        matrix("restock"),
    ),
    Mutant(
        "more is taken from the stock than there is",
        _PRODUCTS,
        """                condition="#is_active = :is_active AND #available >= :taken",
""",
        """                condition="#is_active = :is_active AND :taken >= :taken",
""",
        _STOCKED,
    ),
    Mutant(
        "a stock change is not counted",
        _PRODUCTS,
        'operations.append(counters.adding({"total_stock": delta}))',
        "pass",
        _STOCKED,
    ),
    Mutant(
        "a product is changed over another change",
        _PRODUCTS,
        'condition = "#edition = :seen_edition"',
        'condition = "#edition >= :seen_edition"',
        _STOCKED,
    ),
    Mutant(
        "an answer that was given is not kept",
        _PRODUCTS,
        'condition="attribute_exists(#pk) AND attribute_not_exists(#answer)"',
        'condition="attribute_exists(#pk)"',
        _STOCKED,
    ),
    Mutant(
        "a product's event is written again by each delivery of the stream",
        _PRODUCTS,
        'self._table.put(operation.item, condition=operation.condition, shown="NONE")',
        "self._table.put(operation.item)",
        ("tests/products/test_functions.py",),
    ),
    Mutant(
        "a stock change with a key that was used is not compared",
        _CATALOGUE,
        "if earlier.digest != asked.digest:",
        "if not earlier.digest:",
        _RESTOCKED,
    ),
    Mutant(
        "a stock change does not look whether it was made",
        _CATALOGUE,
        "earlier = self._products.find_receipt(receipt) if receipt else None",
        "earlier = None",
        _RESTOCKED,
    ),
)
