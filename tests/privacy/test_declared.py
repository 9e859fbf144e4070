"""Every text that a client may send is declared personal or not, at its field."""

from collections.abc import Iterator
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints

import pytest
from pydantic import BaseModel

from shared.personal import NotPersonal, Personal
from tests.access.requests import ROUTES
from tests.support.privacy import FIELDS


def parts(hint: Any) -> Iterator[Any]:
    """The hint, the types that it is made of, and its marks."""
    hint = getattr(hint, "__value__", hint)  # of a type alias
    yield hint
    for part in get_args(hint) if get_origin(hint) is not Annotated else (hint.__origin__,):
        yield from parts(part)
    yield from getattr(hint, "__metadata__", ())


def schemas(hint: Any) -> Iterator[type[BaseModel]]:
    for part in parts(hint):
        if isinstance(part, type) and issubclass(part, BaseModel):
            yield part
            for nested in get_type_hints(part, include_extras=True).values():
                yield from schemas(nested)


SCHEMAS: Final = {
    schema.__name__: schema
    for route in ROUTES.values()
    if route.body_field
    for schema in schemas(route.body_field.field_info.annotation)
}


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_text_of_a_request_is_declared_personal_or_not(schema: type[BaseModel]) -> None:
    for name, hint in get_type_hints(schema, include_extras=True).items():
        found = [*parts(hint)]
        marks = [x for x in found if isinstance(x, type) and issubclass(x, Personal | NotPersonal)]
        if str in found and name in schema.model_fields:
            is_declared = marks or name in FIELDS
            assert is_declared, f"mark {schema.__name__}.{name} by one of shared.personal"
