"""The bodies of requests and answers, and the items, of the three baselines with pydantic.

It is packed beside their `app.py`.
"""

import os
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, Field


class NewProduct(BaseModel):
    name: str = Field(min_length=1, max_length=200)
    description: str = Field(default="", max_length=5000)
    price: Decimal = Field(ge=0, max_digits=9, decimal_places=2)
    category: str = Field(min_length=1, max_length=64)
    stock: int = Field(default=0, ge=0, le=1_000_000)


class Product(BaseModel):
    id: str
    name: str
    description: str
    price: str
    currency: str
    category: str
    stock: int
    is_active: bool
    created_at: str
    updated_at: str
    version: int


class ProductList(BaseModel):
    products: list[Product]
    count: int


def new_item(product: NewProduct) -> dict[str, Any]:
    product_id = uuid.uuid4().hex
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {
        "pk": f"PRODUCT#{product_id}",
        "sk": "PRODUCT",
        "listing": "ON_SALE",
        "created_key": f"{now}#{product_id}",
        "id": product_id,
        "name": product.name,
        "description": product.description,
        "price_minor": int(product.price * 100),
        "category": product.category,
        "available": product.stock,
        "is_active": True,
        "created_at": now,
        "updated_at": now,
        "version": 1,
    }


def view(item: dict[str, Any]) -> Product:
    return Product(
        id=item["id"],
        name=item["name"],
        description=item["description"],
        price=f"{item['price_minor'] / 100:.2f}",
        currency=os.environ["CURRENCY"],
        category=item["category"],
        stock=item["available"],
        is_active=item["is_active"],
        created_at=item["created_at"],
        updated_at=item["updated_at"],
        version=item["version"],
    )
