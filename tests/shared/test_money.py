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
        (20, 2000),
        (19.99, 1999),
        (0.1, 10),
        (1.15, 115),
        (Decimal("7.10"), 710),
        (Decimal("1E+2"), 10_000),
        ("10000000000.00", 10**12),
    ],
)
def test_minor_units_are_read_exactly(value: object, minor: int) -> None:
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
