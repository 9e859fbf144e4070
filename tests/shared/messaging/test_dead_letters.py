"""The reason beside a dead letter: enough to find the fault, and no data of the message."""

import pytest
from botocore.exceptions import ClientError, ParamValidationError
from pydantic import BaseModel

from shared.contracts.inventory import OutOfStock
from shared.errors import OwnError
from shared.messaging.dead_letters import reason_of

ADDRESS = "alice@example.com"


class Letter(BaseModel):
    """A model that does not hide its input."""

    to: int
    lines: list[int] = []


class OurOwn(OwnError):
    """An error of a service."""


class Unmarked(Exception):
    """An error of a service that does not say that its text repeats no data."""


def reason(error: Exception) -> str:
    with pytest.raises(type(error)) as caught:
        raise error
    return reason_of(caught.value)


def test_reason_of_invalid_data_is_its_place_and_kind() -> None:
    with pytest.raises(ValueError, match=ADDRESS) as caught:
        Letter.model_validate({"to": ADDRESS, "lines": [1, ADDRESS]})
    assert reason(caught.value) == "ValidationError: to int_parsing, lines.1 int_parsing"


REJECTED = ClientError(
    {"Error": {"Code": "MessageRejected", "Message": f"{ADDRESS} is not verified"}}, "SendEmail"
)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (REJECTED, "ClientError: MessageRejected at SendEmail"),
        (OurOwn("the lamp is out"), "OurOwn: the lamp is out"),
        (
            OutOfStock(product_id="mug", requested=3, available=1),
            "OutOfStock: 3 wanted, 1 in stock.",
        ),
        (OurOwn("one\ntwo\x00" + "x" * 1000), "OurOwn: one two " + "x" * 283 + "…"),
    ],
)
def test_reason_is_a_code_or_an_own_text_in_one_short_line(error: Exception, expected: str) -> None:
    assert reason(error) == expected


@pytest.mark.parametrize(
    "error",
    [
        KeyError(ADDRESS),
        Unmarked(ADDRESS),
        ValueError(f"what is {ADDRESS}?"),
        ParamValidationError(report=f"Invalid type, value: {ADDRESS}"),
    ],
)
def test_reason_of_a_librarys_error_is_its_place(error: Exception) -> None:
    written = reason(error)
    assert written.startswith(f"{type(error).__name__} at {__name__}:")
    assert ADDRESS not in written
