"""Products as the API reads and writes them."""

import unicodedata
from dataclasses import asdict
from typing import Annotated, Any, Literal, Self, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    StringConstraints,
)

from products.catalogue.models import NewProduct, Product, ProductChanges
from shared.money import MinorUnits, Money
from shared.personal import NotPersonal
from shared.web import texts
from shared.web.fields import RequestBody, Time, WholeNumber, omitted_if_none, unset
from shared.web.health import Health

MAX_UNITS = 1_000_000


def _line(text: str) -> str:
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise ValueError("must not contain control characters")
    return text


def _paragraphs(text: str) -> str:
    _line(text.translate({ord(character): None for character in "\t\n\r"}))
    return text


def _composed(text: str) -> str:
    """The one form (NFC) of texts that look the same, because categories are compared exactly."""
    return unicodedata.normalize("NFC", text)


def _absent_if_blank(value: object) -> object:
    """An HTML form sends a blank field as an empty text."""
    return None if value == "" else value


# The rules of the validators above, as JSON Schema can say them.
_LINE = texts.without(texts.CONTROL)
_PARAGRAPHS = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$"

Name = Annotated[
    str,
    NotPersonal,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(_line),
    Field(json_schema_extra={"pattern": _LINE}, examples=["Enamel mug"]),
]
Description = Annotated[
    str,
    NotPersonal,
    StringConstraints(max_length=5000),
    AfterValidator(_paragraphs),
    Field(json_schema_extra={"pattern": _PARAGRAPHS}, examples=["Holds a quarter of a litre."]),
]
Category = Annotated[
    str,
    NotPersonal,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=64),
    AfterValidator(_line),
    AfterValidator(_composed),
    Field(json_schema_extra={"pattern": _LINE}, examples=["kitchen"]),
]


def absent_if_blank(type_: Any) -> BeforeValidator:
    """A blank parameter means the same as one that is left out."""
    return BeforeValidator(_absent_if_blank, json_schema_input_type=type_ | Literal[""] | None)


def _or_default(default: str | int, type_: Any) -> BeforeValidator:
    """Null means the same as a field that is left out."""
    return BeforeValidator(
        lambda value: default if value is None else value, json_schema_input_type=type_ | None
    )


_Stock = Annotated[int, Field(ge=0, le=MAX_UNITS), WholeNumber]


class ProductRequest(RequestBody):
    """A new product, on sale."""

    name: Name
    description: Annotated[Description, _or_default("", Description)] = ""
    price: MinorUnits
    category: Category
    stock: Annotated[_Stock, _or_default(0, _Stock)] = 0

    def product(self) -> NewProduct:
        return NewProduct(self.name, self.description, self.price, self.category, self.stock)


class ProductChangeRequest(RequestBody):
    """A change of a product; fields that are left out stay."""

    name: Name = unset()
    description: Description = unset()
    price: MinorUnits = unset()
    category: Category = unset()
    is_active: bool = unset()

    @property
    def changes(self) -> ProductChanges:
        """The fields that were given."""
        given = {name: getattr(self, name) for name in self.model_fields_set}
        if "price" in given:
            given["price_minor"] = given.pop("price")
        return cast("ProductChanges", given)


class StockChangeRequest(RequestBody):
    """Units to add, or to remove."""

    delta: Annotated[int, Field(ge=-MAX_UNITS, le=MAX_UNITS, examples=[12]), WholeNumber]


class ProductResponse(BaseModel):
    """A product as every client sees it; `stock` is the number of units that can be ordered now."""

    id: str
    name: str
    description: str
    price: Money = Field(validation_alias="price_minor")
    currency: Annotated[str, Field(examples=["EUR"])]
    category: str
    stock: int = Field(validation_alias="available")
    is_active: bool
    created_at: Time
    updated_at: Time
    version: int

    @classmethod
    def of(cls, product: Product, currency: str) -> Self:
        return cls.model_validate({**asdict(product), "currency": currency})


class ProductListResponse(BaseModel):
    """One page; `count` is the number in it."""

    products: list[ProductResponse]
    count: int
    next_cursor: str | None


class CategoryResponse(BaseModel):
    """A category, and how many products of it are on sale."""

    name: str
    products: int


class CategoryListResponse(BaseModel):
    """The categories with products on sale, by name."""

    categories: list[CategoryResponse]


class ProductsHealth(Health):
    """How many products are on sale, and how many units of them."""

    total: int | None = omitted_if_none()
    total_stock: int | None = omitted_if_none()
