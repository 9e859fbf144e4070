"""Every text that a client may send is declared personal or not: at the field of the model that
keeps it, which erasure reads, or at the field of the request if it is not personal or not kept."""

from collections.abc import Iterator
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints

import pytest
from pydantic import BaseModel

from shared.personal import NotPersonal, PersonalSecret
from tests.access.requests import ROUTES
from tests.support.privacy import declared


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
    kept = set(declared(schema.__module__.partition(".")[0]))
    for name, hint in get_type_hints(schema, include_extras=True).items():
        found = [*parts(hint)]
        if str in found and name in schema.model_fields and name not in kept:
            assert {NotPersonal, PersonalSecret} & set(filter(callable, found)), (
                f"{schema.__name__}.{name}: mark the field of the model that keeps it Personal, or"
                " this one NotPersonal (PersonalSecret if it is secret and not kept)"
            )
