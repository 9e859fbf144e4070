"""The customers of a shop, for `make bill`: profile.toml, or a copy of it."""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import TypeAdapter

from orders.schemas import OrderRequest
from products.catalogue.schemas import Description
from tools.progress import Problem

PROFILE: Final = Path(__file__).parent / "profile.toml"
_DESCRIPTION: Final = TypeAdapter[Any](Description).json_schema()["maxLength"]
_LINES: Final = OrderRequest.model_json_schema()["properties"]["items"]
_MOST: Final = 1_000_000
# The least and the most of each number; a whole one, if its type is.
_WHOLE: Final[Mapping[str, tuple[int, int]]] = {
    "lines": (_LINES["minItems"], _LINES["maxItems"]),
    "description": (0, _DESCRIPTION),
    "products": (1, 10_000),
    "cdn_caches": (1, _MOST),
    "queries": (1, _MOST),
}
_NUMBERS: Final = ("reads", "lists", "log_ins", "refreshes", "shipments", "cdn_seconds")


@dataclass(frozen=True)
class Profile:
    """What customers do for each order, and what the order and the catalogue are: see
    profile.toml."""

    reads: float
    lists: float
    log_ins: float
    refreshes: float
    shipments: float
    lines: int
    description: int
    products: int
    firewall: bool
    monitoring: bool
    gradual: bool
    cdn: bool | Literal["auto"]
    cdn_seconds: float
    cdn_caches: int
    queries: int

    @classmethod
    def read(cls, file: Path) -> Self:
        """The profile in a file; what it leaves out is as in profile.toml.

        Raises:
            Problem: it cannot be read, or a value is none that a shop can have.
        """
        given = _loaded(PROFILE) | _loaded(file)
        for key, value in given.items():
            if key not in cls.__dataclass_fields__:
                known = ", ".join(cls.__dataclass_fields__)
                raise Problem(f"{file}: {key} is no key of a profile: there are {known}.")
            if wanted := _wanted(key, value):
                raise Problem(f"{file}: {key} must be {wanted}.")
        if given["products"] < given["lines"]:
            raise Problem(
                f"{file}: products must be at least {given['lines']}, one for each of an order's"
                f" lines: it is {given['products']}."
            )
        return cls(**given)


def _loaded(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text())
    except OSError as error:
        raise Problem(f"{file} cannot be read: {error.strerror}.") from error
    except ValueError as error:  # not TOML, or not UTF-8
        raise Problem(f"{file} is no TOML: {error}.") from error


def _wanted(key: str, value: Any) -> str | None:
    """What the value of a key must be, if it is not."""
    is_bool = isinstance(value, bool)
    if key in ("firewall", "monitoring", "gradual"):
        return None if is_bool else "true or false"
    if key == "cdn":
        return None if is_bool or value == "auto" else 'true, false or "auto"'
    if key in _NUMBERS:
        is_number = isinstance(value, int | float) and not is_bool and math.isfinite(value)
        if is_number and 0 <= value <= _MOST:
            return None
        return f"a number from 0 to {_MOST:,}"
    least, most = _WHOLE[key]
    if isinstance(value, int) and not is_bool and least <= value <= most:
        return None
    return f"a whole number from {least} to {most:,}"
