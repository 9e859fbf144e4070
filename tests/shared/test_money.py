"""Money is exact, in requests and in answers."""

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
        (20, 2000),
        (19.99, 1999),
        (0.1, 10),
        (1.15, 115),
        (Decimal("7.10"), 710),
        (Decimal("1E+2"), 10_000),
        ("10000000000.00", 10**12),
    ],
)
def test_amount_is_read_exactly(value: object, minor: int) -> None:
    assert to_minor(value) == minor


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("19.999", "at most two places"),
        ("5.990", "at most two places"),
        ("-0.01", "not negative"),
        ("NaN", "decimal number"),
        ("Infinity", "decimal number"),
        ("1e1", "decimal number"),
        ("1_000", "decimal number"),
        ("١٢", "decimal number"),
        ("5.", "decimal number"),
        (" 5.00", "decimal number"),
        ("9" * 5000, "decimal number"),
        ("", "decimal number"),
        ("1,50", "decimal number"),
        ("10000000000.01", "large"),
        (2.675, "two decimal places"),
        (Decimal("5.0000000000000000000001"), "two decimal places"),
        (Decimal("1e-400"), "two decimal places"),
        (Decimal("5.990"), "two decimal places"),
        (Decimal("1e400"), "large"),
        (10**11, "large"),
        (-1, "negative"),
        (float("nan"), "finite"),
        (float("-inf"), "finite"),
        (True, "string or a number"),
        (None, "string or a number"),
        ([], "string or a number"),
    ],
)
def test_other_values_are_refused(value: object, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        to_minor(value)


@given(st.integers(min_value=0, max_value=10**12))
def test_amount_survives_writing_and_reading(minor: int) -> None:
    assert to_minor(to_text(minor)) == minor
    assert to_minor(float(to_text(minor))) == minor


@pytest.mark.parametrize(("minor", "text"), [(0, "0.00"), (5, "0.05"), (1990, "19.90")])
def test_amount_is_written_with_two_places(minor: int, text: str) -> None:
    assert to_text(minor) == text
    assert Priced.model_validate({"price": text}).model_dump(mode="json") == {"price": text}


@pytest.mark.parametrize("value", [None, "x", -1, "1.001", {"amount": 1}])
def test_field_names_the_place_of_a_wrong_amount(value: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        Priced.model_validate({"price": value})
    assert [error["loc"] for error in refused.value.errors()] == [("price",)]
    assert Priced.model_validate({"price": 19.9}).price == 1990
