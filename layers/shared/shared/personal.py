"""Personal data, declared once: on the field of the model that holds it.

Example:
    ```
    @dataclass(frozen=True)
    class Order:
        user_name: Annotated[str, Personal]
        email: Annotated[str, PersonalEmail]
    ```

Erasure overwrites these fields, events are rewritten under their names, and the tests look for
their values in every log.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Final, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


ERASED: Final = "Erased"
# RFC 2606 reserves `.invalid`: no mail can be delivered there. `users.emails` takes no address of
# this domain.
ERASED_DOMAIN: Final = "erased.invalid"


def erased_email(user_id: str) -> str:
    """Stands for the address of an erased user."""
    return f"{user_id}@{ERASED_DOMAIN}"


def is_erased_email(address: str) -> bool:
    """Whether the address replaces that of an erased user."""
    return address.endswith(f"@{ERASED_DOMAIN}")


class Personal:
    """Marks text about a person; erasure writes `Erased` over it."""

    @classmethod
    def erased(cls, _user_id: str, /) -> str:
        """The text that takes the value's place."""
        return ERASED


class PersonalEmail(Personal):
    """Marks a person's address; erasure writes one over it that no mail can reach."""

    @classmethod
    def erased(cls, user_id: str, /) -> str:
        return erased_email(user_id)


class PersonalSecret(Personal):
    """Marks a token or a password's hash; erasure empties it."""

    @classmethod
    def erased(cls, _user_id: str, /) -> str:
        return ""


class NotPersonal:
    """Marks text of a request that says nothing about a person."""


@cache
def personal_fields(model: type) -> dict[str, type[Personal]]:
    """The names of the model's personal fields, each with its mark.

    Args:
        model: a dataclass or a pydantic model.
    """
    hints = get_type_hints(model, include_extras=True)
    return {name: mark for name, hint in hints.items() for mark in _marks(hint)}


def erase_personal[D: "DataclassInstance"](value: D, *, user_id: str) -> D:
    """The same with all of the user's personal fields overwritten; a None stays None."""
    return replace(
        value,
        **{
            name: mark.erased(user_id)
            for name, mark in personal_fields(type(value)).items()
            if getattr(value, name) is not None
        },
    )


def _marks(hint: Any) -> Iterator[type[Personal]]:
    if get_origin(hint) is Annotated:
        for mark in hint.__metadata__:
            if isinstance(mark, type) and issubclass(mark, Personal):
                yield mark
    for part in get_args(hint):
        yield from _marks(part)
