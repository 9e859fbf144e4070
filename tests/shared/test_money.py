"""Money is exact, in requests and in answers."""

from decimal import Decimal

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
        ("0.00", 0),
        (20, 2000),
        (19.99, 1999),
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
        ("1e1", "decimal number"),
        ("١٢", "decimal number"),
        ("5.", "decimal number"),
        (" 5.00", "decimal number"),
        ("10000000000.01", "large"),
        (2.675, "two decimal places"),
        (Decimal("1e-400"), "two decimal places"),
        (Decimal("5.990"), "two decimal places"),
        (Decimal("1e400"), "large"),
        (10**11, "large"),
        (-1, "negative"),
        (float("nan"), "finite"),
        (float("-inf"), "finite"),
        (True, "string or a number"),
        (None, "string or a number"),
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
def test_field_reads_and_writes_an_amount_with_two_places(minor: int, text: str) -> None:
    priced = Priced.model_validate({"price": text})
    assert priced.price == minor
    assert priced.model_dump(mode="json") == {"price": text}


def test_field_names_the_place_of_a_wrong_amount() -> None:
    with pytest.raises(ValidationError) as refused:
        Priced.model_validate({"price": "1.001"})
    assert [error["loc"] for error in refused.value.errors()] == [("price",)]
