"""Products: stock that is held, sold and given back, each once, and changes of stock under a key."""

from typing import Final

from tools.mutants.mutant import Mutant, matrix

_RESERVATIONS: Final = "functions/products/repository/reservations.py"
_PRODUCTS: Final = "functions/products/repository/products.py"
_SERVICE: Final = "functions/products/service/reservations.py"
_CATALOGUE: Final = "functions/products/service/catalogue.py"
_MODELS: Final = "functions/products/models.py"
_STOCK: Final = "functions/products/repository/stock.py"
_HELD: Final = ("tests/products/test_reservation_stores.py",)
_STOCKED: Final = ("tests/products/test_product_stores.py",)
_RESERVED: Final = ("tests/products/test_reservations.py",)
_RESTOCKED: Final = ("tests/products/test_catalogue.py",)
_SWEPT: Final = ("tests/flows/test_recovery.py",)

MUTANTS: Final = (
    Mutant(
        "stock is held without looking whether the order holds some",
        _RESERVATIONS,
        'return Put(_to_item(reservation, at), condition="attribute_not_exists(#pk)")',
        "return Put(_to_item(reservation, at))",
        _HELD,
    ),
    Mutant(
        "a reservation is changed whatever its state",
        _RESERVATIONS,
        'condition="#state = :seen",',
        'condition="#state = :seen OR attribute_exists(#state)",',
        _HELD,
    ),
    Mutant(
        "more is held than there is",
        _STOCK,
        '"#available >= :taken AND',
        '":taken >= :taken AND',
        _HELD,
    ),
    Mutant(
        "stock of a withdrawn product moves in the total",
        _RESERVATIONS,
        'condition="#taken >= :quantity AND #is_active = :is_active",',
        'condition="#taken >= :quantity AND :is_active = :is_active",',
        _HELD,
    ),
    Mutant(
        "stock is held at a price that has changed",
        _RESERVATIONS,
        '#price_minor = :price_minor"',
        ':price_minor = :price_minor"',
        _HELD,
    ),
    Mutant(
        "what is held is not taken off the total",
        _RESERVATIONS,
        'counters.adding({"total_stock": -held})',
        'counters.adding({"total_stock": 0})',
        _HELD,
    ),
    Mutant(
        "the sweeper looks for expired reservations in one shard",
        _RESERVATIONS,
        "for shard in range(_SHARDS)]",
        "for shard in range(1)]",
        _HELD,
    ),
    Mutant(
        "the sweeper gives back shard after shard",
        _RESERVATIONS,
        'heapq.merge(*shards, key=itemgetter("expires_at"))',
        "(item for shard in shards for item in shard)",
        _SWEPT,
    ),
    Mutant(
        "the sweeper sees one page of each shard",
        _RESERVATIONS,
        "if start is None:",
        "if start is None or start:",
        _SWEPT,
    ),
    Mutant(
        "a product that is on sale again stays withdrawn for the release under way",
        _RESERVATIONS,
        "withdrawn ^= _misjudged",
        "withdrawn |= _misjudged",
        ("tests/products/test_repository.py",),
    ),
    Mutant(
        "a sale moves the units again",
        _RESERVATIONS,
        "if before is None or before.pool == after.pool:",
        "if before is None or before.state == after.state:",
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
        "                existing = self._reservations.find(order_id)",
        "                existing = None",
        _RESERVED,
    ),
    Mutant(
        "a reserve that comes twice finds its product withdrawn",
        _SERVICE,
        "except (OutOfStock, UnknownProduct):",
        "except OutOfStock:",
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
        "                is_broken = isinstance(failure, BooksBroken)\n",
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
        "a sale that runs low is written over another one",
        _STOCK,
        '"#version = :seen_version"',
        '"#version >= :seen_version"',
        (*_HELD, *_STOCKED),
    ),
    Mutant(
        "a step across the threshold passes for one on its side",
        _STOCK,
        "(#available < :threshold OR",
        "(:threshold >= :threshold OR",
        (*_HELD, *_STOCKED),
    ),
    Mutant(
        "a product that is not on sale cannot go below the threshold",
        _STOCK,
        "threshold = max(0, threshold) if after.is_active else 0",
        "threshold = max(0, threshold)",
        _STOCKED,
    ),
    Mutant(
        "a sale does not report that a product runs low",
        _RESERVATIONS,
        "events += [step.event] if step.event else []",
        "pass",
        _HELD,
    ),
    Mutant(
        "a stock change does not report that a product runs low",
        _PRODUCTS,
        "operations: list[Operation] = [step.event] if step.event else []",
        "operations: list[Operation] = []",
        _STOCKED,
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
    Mutant(
        "the receipt of a stock change is looked for before the stock is read",
        _CATALOGUE,
        """        before = self.get(product_id)
        # The receipt is looked for after the stock is read, so that a repeated request does not take for a lack
        # of stock what the first one has taken.
        earlier = self._products.find_receipt(receipt) if receipt else None
""",
        """        earlier = self._products.find_receipt(receipt) if receipt else None
        before = self.get(product_id)
""",
        _RESTOCKED,
    ),
)
