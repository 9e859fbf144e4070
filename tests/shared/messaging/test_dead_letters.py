"""The reason beside a dead letter: enough to find the fault, and no data of the message."""

import pytest
from botocore.exceptions import ClientError, ParamValidationError
from pydantic import BaseModel, ValidationError

from shared.contracts.inventory import OutOfStock
from shared.errors import OwnError
from shared.messaging.redelivery import reason_of

ADDRESS = "alice@example.com"


class Letter(BaseModel):
    """A model that does not hide its input."""

    to: int
    lines: list[int] = []


def invalid() -> Exception:
    with pytest.raises(ValidationError, match=ADDRESS) as caught:
        Letter.model_validate({"to": ADDRESS, "lines": [1, ADDRESS]})
    return caught.value


REJECTED = ClientError(
    {"Error": {"Code": "MessageRejected", "Message": f"{ADDRESS} is not verified"}}, "SendEmail"
)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (invalid(), "ValidationError: to int_parsing, lines.1 int_parsing"),
        (REJECTED, "ClientError: MessageRejected at SendEmail"),
        (OwnError("the lamp is out"), "OwnError: the lamp is out"),
        (OutOfStock(product_id="m", requested=3, available=1), "OutOfStock: 3 wanted, 1 in stock."),
        (OwnError("one\ntwo\x00" + "x" * 1000), "OwnError: one two " + "x" * 281 + "…"),
        # The text of a library's error is not shown.
        (KeyError(ADDRESS), f"KeyError at {__name__}:"),
        (ParamValidationError(report=ADDRESS), f"ParamValidationError at {__name__}:"),
    ],
)
def test_reason_is_a_code_a_place_or_an_own_text_in_one_short_line(
    error: Exception, reason: str
) -> None:
    with pytest.raises(type(error)) as caught:
        raise error
    assert reason_of(caught.value).rstrip("0123456789" if reason.endswith(":") else "") == reason
