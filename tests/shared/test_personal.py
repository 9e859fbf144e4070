"""Personal data, as models declare it."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel

from shared.personal import (
    NotPersonal,
    Personal,
    PersonalEmail,
    PersonalSecret,
    erase_personal,
    personal_fields,
)


@dataclass(frozen=True)
class Letter:
    id: str
    sender: Annotated[str, Personal]
    address: Annotated[str, PersonalEmail]
    seal: Annotated[str, PersonalSecret]
    colour: Annotated[str, NotPersonal]
    note: Annotated[str | None, Personal] = None
    answer: Annotated[str, Personal] | None = None


class Envelope(BaseModel):
    sender: Annotated[str, Personal]
    weight: int


def test_personal_fields_are_those_with_a_mark() -> None:
    assert personal_fields(Envelope) == {"sender": Personal}
    assert personal_fields(Letter).keys() == {"sender", "address", "seal", "note", "answer"}


def test_erasure_overwrites_every_personal_field_that_has_a_value() -> None:
    letter = Letter("l", "Ann", "ann@example.com", "s3cret", "red", note="hi")
    assert erase_personal(letter, user_id="u") == Letter(
        "l", "Erased", "u@erased.invalid", "", "red", note="Erased"
    )
