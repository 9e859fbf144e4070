"""What the tables hold: that of which the sample events of events/ speak."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

type Item = Mapping[str, Any]

PRODUCT_ID: Final = "5f0c9d3f6a5e4c6f9b0d1f6c2a7e8b41"
OTHER_PRODUCT_ID: Final = "0b7f6d1c2e3a4f5b8c9d0e1f2a3b4c5d"
USER_ID: Final = "5b1f0c7e9a2d4c86b3e8d17f60a4c2e9"
ORDER_ID: Final = "9f2c4e8a71b34d06a5e8c3d1f0b7926e"
PENDING_ORDER_ID: Final = "3b8d6f1a2c9e47058f4d7b6a1e5c9032"
NOTIFICATION_ID: Final = (
    "MjAyNi0xMS0yMFQwODozMDowMC4wMDBaIzAxOThmMGQyYzdhMDRiMWU5YTU1ZDFmMGMzYjJhMTkwLjEjZW1haWw"
)
_ORDERED_PRODUCT_IDS: Final = (
    "c1a9e4d27f6b4803b5d2e8f7a6c31490",
    "0b7e5f92c8d146a3917f4e2d5c6b8a03",
)
_LOGGING_IN_ID: Final = "2d7c1e9b4f6a48d0a3b5c7e9f1d20486"
_AT: Final = "2026-11-20T08:30:00.000Z"


def _product(id_: str, name: str, price_minor: int) -> Item:
    return {
        "pk": f"PRODUCT#{id_}",
        "sk": "PRODUCT",
        "id": id_,
        "name": name,
        "description": "Holds a quarter of a litre.",
        "price_minor": price_minor,
        "category": "kitchen",
        "is_active": True,
        "available": 60,
        "taken": 40,
        "version": 41,
        "edition": 3,
        "created_at": _AT,
        "updated_at": _AT,
        "listing": "ON_SALE",
        "price_key": f"{price_minor:013d}#{id_}",
        "name_key": f"{name.lower()}\x01{id_}",
        "created_key": f"{_AT}#{id_}",
        "name_words": f" {name.lower()} ",
        "request_id": "sample",
    }


PRODUCTS: Final = (
    _product(PRODUCT_ID, "Enamel mug", 1250),
    _product(OTHER_PRODUCT_ID, "Oak tray", 2450),
)
USER: Final[Item] = {
    "pk": f"USER#{USER_ID}",
    "sk": "USER",
    "id": USER_ID,
    "email": "carla@example.com",
    "full_name": "Carla Customer",
    "role": "customer",
    "is_active": True,
    "created_at": _AT,
    "version": 1,
}
_LOGGING_IN: Final[Item] = {
    **USER,
    "pk": f"USER#{_LOGGING_IN_ID}",
    "id": _LOGGING_IN_ID,
    "email": "alice@example.com",
    "full_name": "Alice Example",
}
_ADDRESS: Final[Item] = {
    "pk": "EMAIL#alice@example.com",
    "sk": "EMAIL",
    "user_id": _LOGGING_IN_ID,
}
# By the parameters of users.accounts.passwords.
_PASSWORD: Final[Item] = {
    "pk": f"USER#{_LOGGING_IN_ID}",
    "sk": "PASSWORD",
    "password_hash": "$argon2id$v=19$m=19456,t=2,p=1$/pBa3qWAiAIQOVfNY+Sb9g$"
    "8/rmtpieu08GDCMPFtr04f+aIrK6wdDRJeExhXt2QYE",
}
_ORDER: Final[Item] = {
    "pk": f"ORDER#{ORDER_ID}",
    "sk": "ORDER",
    "user_id": USER_ID,
    "user_name": "Carla Customer",
    "email": "carla@example.com",
    "lines": [
        {
            "product_id": PRODUCT_ID,
            "name": "Enamel mug",
            "quantity": 2,
            "unit_price_minor": 1250,
        }
    ],
    "total_minor": 2500,
    "currency": "EUR",
    "payment_token": "tok_approve",
    "request_digest": "0" * 64,
    # Paid: what comes late for it finds nothing left to do.
    "status": "confirmed",
    "cancel_reason": None,
    "created_at": _AT,
    "updated_at": _AT,
    "version": 2,
    "placed": f"{_AT}#{ORDER_ID}",
}
_NOTIFICATION: Final[Item] = {
    "pk": f"USER#{USER_ID}",
    "sk": f"NOTIFICATION#{_AT}",
    "id": NOTIFICATION_ID,
    "type": "order.placed",
    "subject": "Your order",
    "body": "Thank you for your order.",
    "channel": "email",
    "status": "sent",
    "order_id": ORDER_ID,
    "created_at": _AT,
    "read_state": f"USER#{USER_ID}#unread",
}

ITEMS: Final[Mapping[str, tuple[Item, ...]]] = {
    "ProductsTable": (
        *PRODUCTS,
        *(_product(id_, "Linen apron", 3900) for id_ in _ORDERED_PRODUCT_IDS),
    ),
    "UsersTable": (USER, _LOGGING_IN, _ADDRESS),
    "CredentialsTable": (_PASSWORD,),
    "OrdersTable": (_ORDER,),
    "NotificationsTable": (_NOTIFICATION,),
}
"""By table."""

INDEXES: Final[Mapping[tuple[str, str | None], tuple[Item, ...]]] = {
    ("ProductsTable", "newest"): PRODUCTS,
    ("ProductsTable", "all-by-newest"): PRODUCTS,
    ("ProductsTable", "due"): (),
    ("NotificationsTable", "read_state"): (_NOTIFICATION,),
    # The circuits.
    ("OrdersTable", None): (),
    ("OrdersTable", "by-status"): (),
    ("OrdersTable", "due"): (),
    ("OrdersTable", "unsent"): (),
    ("ProductsTable", "unsent"): (),
    ("UsersTable", "unsent"): (),
}
"""What a query finds, by table and index."""


def pending_order() -> Item:
    """An order that was placed just now: an older one would be looked up at the provider first."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        **_ORDER,
        "pk": f"ORDER#{PENDING_ORDER_ID}",
        "payment_token": "tok_ok",
        "status": "pending",
        "created_at": at,
        "updated_at": at,
        "version": 1,
        "placed": f"{at}#{PENDING_ORDER_ID}",
        "due_at": at,
    }
