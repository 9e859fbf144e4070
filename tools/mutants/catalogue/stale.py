"""Reads that something is decided by: eventually consistent, each of them would decide by what was there before."""

from typing import Final

from tools.mutants.mutant import Mutant

_NOTIFICATIONS: Final = "functions/notifications/repository.py"
_ORDERS: Final = "functions/orders/repository.py"
_PRODUCTS: Final = "functions/products/repository/products.py"
_RESERVATIONS: Final = "functions/products/repository/reservations.py"
_ACCOUNTS: Final = "functions/users/repository/accounts.py"
_FAMILIES: Final = "functions/users/repository/families.py"
_OUTBOX: Final = "layers/shared/shared/messaging/outbox.py"
_FILE: Final = "tests/crashes/test_stale_reads.py"


def _read(name: str, file: str, old: str, new: str, test: str) -> Mutant:
    return Mutant(f"{name} may be stale", file, old, new, (f"{_FILE}::{test}",))


def _played(scenario: str) -> str:
    return f"test_stale_reads_break_no_promise[{scenario}-tables]"


MUTANTS: Final = (
    _read(
        "a mailbox's tombstone",
        _NOTIFICATIONS,
        "self._table.get(_tombstone(mailbox), only=",
        "self._table.get(_tombstone(mailbox), consistent=False, only=",
        _played("erase a customer"),
    ),
    _read(
        "what an erasure finds in a mailbox",
        _NOTIFICATIONS,
        """                start=start,
                consistent=True,
            )
            for item in page.items:
""",
        """                start=start,
            )
            for item in page.items:
""",
        _played("erase a customer"),
    ),
    _read(
        "a history",
        _OUTBOX,
        "        start=start,\n        consistent=True,\n",
        "        start=start,\n",
        "test_an_erasure_finds_what_has_just_happened",
    ),
    _read(
        "an order",
        _ORDERS,
        "self._table.get(_key(order_id))",
        "self._table.get(_key(order_id), consistent=False)",
        _played("ship and deliver"),
    ),
    _read(
        "a reservation that is to be ended",
        _RESERVATIONS,
        "self._table.get(_key(order_id))",
        "self._table.get(_key(order_id), consistent=False)",
        _played("order, confirmed"),
    ),
    _read(
        "the products of a new reservation",
        _RESERVATIONS,
        "self._table.get_many([_key(order_id), *keys], consistent=True)",
        "self._table.get_many([_key(order_id), *keys])",
        "test_a_product_is_ordered_as_soon_as_it_is_on_sale",
    ),
    _read(
        "a product",
        _PRODUCTS,
        "self._table.get(product_key(product_id))",
        "self._table.get(product_key(product_id), consistent=False)",
        _played("restock"),
    ),
    _read(
        "a receipt",
        _PRODUCTS,
        "self._table.get(_receipt_key(receipt))",
        "self._table.get(_receipt_key(receipt), consistent=False)",
        "test_stock_that_is_changed_twice_with_one_key_changes_once_and_is_answered_alike",
    ),
    _read(
        "an account",
        _ACCOUNTS,
        "item = self._table.get(_user_key(user_id))",
        "item = self._table.get(_user_key(user_id), consistent=False)",
        _played("register and log in"),
    ),
    _read(
        "whose an address is",
        _ACCOUNTS,
        "self._table.get(_email_key(email))",
        "self._table.get(_email_key(email), consistent=False)",
        _played("register and log in"),
    ),
    _read(
        "whether a customer is active",
        _ACCOUNTS,
        "self._table.get(_user_key(user_id), only=",
        "self._table.get(_user_key(user_id), consistent=False, only=",
        "test_a_customer_orders_as_soon_as_registered_and_never_once_deactivated",
    ),
    _read(
        "a session",
        _FAMILIES,
        "self._table.get(_family_key(family_id))",
        "self._table.get(_family_key(family_id), consistent=False)",
        "test_a_session_goes_on_at_once_and_ends_at_once",
    ),
)
