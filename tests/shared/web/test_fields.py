"""A whole number is one however it is written, and nothing else is."""

from decimal import Decimal
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.web.fields import WholeNumber


class Counted(BaseModel):
    model_config = ConfigDict(strict=True)

    units: Annotated[int, Field(ge=0, le=1_000), WholeNumber]


@pytest.mark.parametrize("written", [2, 2.0, Decimal("2.0"), Decimal("2e0"), Decimal("0.2E1")])
def test_a_whole_number_is_one_however_it_is_written(written: object) -> None:
    units = Counted.model_validate({"units": written}).units
    assert (units, type(units)) == (2, int)


@pytest.mark.parametrize(
    "wrong",
    [
        2.5,
        Decimal("2.5"),
        "2",
        True,
        None,
        [],
        float("inf"),
        Decimal("NaN"),
        1001,
        Decimal("1e3001"),
    ],
)
def test_what_is_no_whole_number_within_the_limits_is_refused(wrong: object) -> None:
    with pytest.raises(ValidationError):
        Counted.model_validate({"units": wrong})


def test_a_number_of_few_characters_and_very_many_digits_is_never_written_out() -> None:
    # It would be refused for its size, if it were. "1e999999999" would fill the memory before that.
    with pytest.raises(ValidationError) as refused:
        Counted.model_validate({"units": Decimal("1e3001")})
    assert refused.value.errors()[0]["type"] != "less_than_equal"


def test_the_document_has_the_limits() -> None:
    said: dict[str, Any] = Counted.model_json_schema()["properties"]["units"]
    assert (said["type"], said["minimum"], said["maximum"]) == ("integer", 0, 1_000)
