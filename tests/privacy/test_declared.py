"""Every text that a client may send is declared personal or not, at its field."""

import importlib
from collections.abc import Iterator
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints

import pytest
from fastapi.routing import APIRoute
from pydantic import BaseModel

from orders.models import Order
from shared.personal import NotPersonal, Personal, personal_fields
from tools.openapi.access import SERVICES
from users.accounts.models import User

_DECLARED_BY_MODELS: Final = personal_fields(Order).keys() | personal_fields(User).keys()


def parts(hint: Any) -> Iterator[Any]:
    """The hint, the types that it is made of, and its marks."""
    hint = getattr(hint, "__value__", hint)  # of a type alias
    yield hint
    for part in get_args(hint) if get_origin(hint) is not Annotated else (hint.__origin__,):
        yield from parts(part)
    yield from getattr(hint, "__metadata__", ())


def request_schemas() -> dict[str, type[BaseModel]]:
    found: dict[str, type[BaseModel]] = {}

    def add(hint: Any) -> None:
        for part in parts(hint):
            if (
                isinstance(part, type)
                and issubclass(part, BaseModel)
                and part.__name__ not in found
            ):
                found[part.__name__] = part
                for nested in get_type_hints(part, include_extras=True).values():
                    add(nested)

    for service in SERVICES:
        for route in importlib.import_module(f"{service}.api").router.routes:
            if isinstance(route, APIRoute) and route.body_field:
                add(route.body_field.field_info.annotation)
    return found


SCHEMAS: Final = request_schemas()


def test_schemas_of_every_body_are_found() -> None:
    assert {"RegistrationRequest", "ProductRequest", "OrderRequest", "OrderItemRequest"} <= {
        *SCHEMAS
    }


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_text_of_a_request_is_declared_personal_or_not(schema: type[BaseModel]) -> None:
    for name, hint in get_type_hints(schema, include_extras=True).items():
        found = [*parts(hint)]
        marks = [x for x in found if isinstance(x, type) and issubclass(x, Personal | NotPersonal)]
        if str in found and name in schema.model_fields:
            is_declared = marks or name in _DECLARED_BY_MODELS
            assert is_declared, f"mark {schema.__name__}.{name} by one of shared.personal"
