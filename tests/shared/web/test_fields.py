"""Fields that several services share."""

from decimal import Decimal
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.web.fields import WholeNumber


class Counted(BaseModel):
    model_config = ConfigDict(strict=True)

    units: Annotated[int, Field(ge=0, le=1_000), WholeNumber]


@pytest.mark.parametrize("written", [2, 2.0, Decimal("2.0"), Decimal("2e0"), Decimal("0.2E1")])
def test_whole_number_is_read_in_any_notation(written: object) -> None:
    units = Counted.model_validate({"units": written}).units
    assert (units, type(units)) == (2, int)


@pytest.mark.parametrize(
    "value",
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
        Decimal("1e999999999"),
    ],
)
def test_other_values_are_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        Counted.model_validate({"units": value})


def test_schema_has_the_limits() -> None:
    schema: dict[str, Any] = Counted.model_json_schema()["properties"]["units"]
    assert (schema["type"], schema["minimum"], schema["maximum"]) == ("integer", 0, 1_000)
