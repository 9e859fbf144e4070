"""The reason beside a dead letter: enough to know where to look, and nothing of anybody's data."""

import pytest
from botocore.exceptions import ClientError, ParamValidationError
from pydantic import BaseModel, ValidationError

from shared.contracts.inventory import OutOfStock
from shared.errors import OwnError
from shared.messaging.dead_letters import reason_of

ADDRESS = "alice@example.com"


class Letter(BaseModel):
    """As a model that forgot to hide its input."""

    to: int
    lines: list[int] = []


class OurOwn(OwnError):
    """An error of a service."""


class Unmarked(Exception):
    """An error of a service that does not say that its text repeats no data."""


def invalid(data: dict[str, object]) -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        Letter.model_validate(data)
    return caught.value


def reason(error: Exception) -> str:
    """The reason of an error that was raised, as all of a worker's are."""
    with pytest.raises(type(error)) as caught:
        raise error
    return reason_of(caught.value)


def test_invalid_data_is_told_by_its_place_and_kind() -> None:
    error = invalid({"to": ADDRESS, "lines": [1, ADDRESS]})
    assert ADDRESS in str(error)
    assert reason(error) == "ValidationError: to int_parsing, lines.1 int_parsing"


def test_what_aws_refused_is_told_by_its_code() -> None:
    answer = {"Error": {"Code": "MessageRejected", "Message": f"{ADDRESS} is not verified"}}
    error = ClientError(answer, "SendEmail")  # type: ignore[arg-type]  # it needs no more of an answer
    assert reason(error) == "ClientError: MessageRejected at SendEmail"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OurOwn("the lamp is out"), "OurOwn: the lamp is out"),
        (
            OutOfStock(product_id="mug", requested=3, available=1),
            "OutOfStock: 3 wanted, 1 in stock.",
        ),
    ],
)
def test_our_own_errors_are_told_in_their_words(error: Exception, told: str) -> None:
    assert reason(error) == told


@pytest.mark.parametrize(
    "error",
    [
        KeyError(ADDRESS),
        Unmarked(ADDRESS),
        ValueError(f"what is {ADDRESS}?"),
        ParamValidationError(report=f"Invalid type, value: {ADDRESS}"),
    ],
)
def test_errors_of_others_are_told_by_their_place(error: Exception) -> None:
    told = reason(error)
    assert told.startswith(f"{type(error).__name__} at {__name__}:")
    assert ADDRESS not in told


def test_a_reason_is_a_line_that_sqs_takes() -> None:
    told = reason(OurOwn("one\ntwo\x00" + "x" * 1000))
    assert told.startswith("OurOwn: one two x")
    assert len(told) == 300
