"""Money is exact, in and out."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from shared.money import MinorUnits, to_minor, to_text


class Priced(BaseModel):
    price: MinorUnits


@pytest.mark.parametrize(
    ("value", "minor"),
    [
        ("19.99", 1999),
        ("19.9", 1990),
        ("20", 2000),
        ("0", 0),
        ("0.00", 0),
        ("-0", 0),
        (" 5.00 ", 500),
        ("1e1", 1000),
        ("1.50000", 150),
        (20, 2000),
        (19.99, 1999),
        (0.1, 10),
        (1.15, 115),
        (2.675, None),
        (Decimal("7.10"), 710),
        ("10000000000.00", 10**12),
    ],
)
def test_minor_units_are_read_exactly(value: object, minor: int | None) -> None:
    if minor is None:
        with pytest.raises(ValueError, match="two decimal places"):
            to_minor(value)
    else:
        assert to_minor(value) == minor


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("19.999", "two decimal places"),
        ("-0.01", "negative"),
        (-1, "negative"),
        ("NaN", "finite"),
        (float("nan"), "finite"),
        ("Infinity", "finite"),
        (float("-inf"), "finite"),
        ("sNaN", "finite"),
        ("1e400", "large"),
        ("1e-400", "small"),
        ("10000000000.01", "large"),
        ("9" * 5000, "large"),
        ("abc", "decimal number"),
        ("", "decimal number"),
        ("1,50", "decimal number"),
        ("1 000", "decimal number"),
        (True, "string or a number"),
        (None, "string or a number"),
        ([], "string or a number"),
    ],
)
def test_what_is_no_amount_is_refused(value: object, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        to_minor(value)


@given(st.integers(min_value=0, max_value=10**12))
def test_every_amount_survives_being_written_and_read(minor: int) -> None:
    assert to_minor(to_text(minor)) == minor
    assert to_minor(float(to_text(minor))) == minor


@pytest.mark.parametrize(("minor", "text"), [(0, "0.00"), (5, "0.05"), (1990, "19.90")])
def test_amounts_are_written_with_two_places(minor: int, text: str) -> None:
    assert to_text(minor) == text


def test_a_field_reads_the_contracts_money_and_writes_it_again() -> None:
    priced = Priced.model_validate({"price": 19.9})
    assert priced.price == 1990
    assert priced.model_dump(mode="json") == {"price": "19.90"}


@pytest.mark.parametrize("value", [None, "x", -1, "1.001", {"amount": 1}])
def test_a_field_refuses_with_a_place_to_point_at(value: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        Priced.model_validate({"price": value})
    assert [error["loc"] for error in refused.value.errors()] == [("price",)]
