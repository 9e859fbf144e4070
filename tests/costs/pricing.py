"""AWS's billing rules as functions of quantities. Prices and their sources are in prices.toml."""

import math
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

type Quantities = Mapping[str, float]
"""How much is used, by the name of its price."""

_FILE: Final[Mapping[str, Any]] = tomllib.loads((Path(__file__).parent / "prices.toml").read_text())
RULES: Final[Mapping[str, float]] = _FILE["rules"]
ASSUMED: Final[Mapping[str, float]] = _FILE["assumptions"]
GIGABYTE: Final = 1e9
HOURS: Final = RULES["days_in_month"] * 24
SECONDS: Final = HOURS * 3600


def usd(price: str, quantity: float = 1) -> float:
    """What so many of it cost."""
    return float(_FILE["prices"][price]["usd"]) * quantity


def source_of(price: str) -> str:
    """The page that has it, and when it was known to."""
    found = _FILE["prices"][price]
    return f"{found['source']} ({found['seen']})"


def prices() -> list[str]:
    """The names of all prices."""
    return list(_FILE["prices"])


def total(quantities: Quantities) -> float:
    """What quantities cost together."""
    return sum(usd(price, quantity) for price, quantity in quantities.items())


def added(*all_quantities: Quantities) -> dict[str, float]:
    """Quantities of the same prices added up."""
    names = dict.fromkeys(name for quantities in all_quantities for name in quantities)
    return {name: sum(quantities.get(name, 0) for quantities in all_quantities) for name in names}


def multiplied(quantities: Quantities, times: float) -> dict[str, float]:
    """So many times these quantities."""
    return {name: quantity * times for name, quantity in quantities.items()}


def chunks(size: int) -> int:
    """The requests to SNS or SQS that a message or a batch of so many bytes counts as."""
    return max(1, math.ceil(size / RULES["message_chunk_bytes"]))


def log_gigabytes(sizes: Iterable[int]) -> float:
    """What lines of so many bytes are billed as."""
    return sum(size + RULES["log_event_bytes"] for size in sizes) / GIGABYTE


def metric_months(writes_a_month: float) -> float:
    """The share of a month for which a metric is billed that is written so often: each hour with a
    value. The writes are spread at random."""
    return 1 - math.exp(-writes_a_month / HOURS)


def traces(requests_a_month: float, *, share: float, reservoir: float) -> float:
    """The expected traces of requests that come at random: so many in each second, and a share of
    the others.

    Args:
        reservoir: 0 or 1; more is not needed.
    """
    rate = requests_a_month / SECONDS
    first = (1 - math.exp(-rate)) * reservoir
    return SECONDS * (first + share * (rate - first))


def cdn_hits(requests_a_month: float, *, keys: int, seconds: float, caches: int) -> float:
    """The share of requests that a cache answers: of `keys` responses the i-th is asked for in
    proportion to 1/i."""
    rate = requests_a_month / SECONDS / caches
    weights = [1 / place for place in range(1, keys + 1)]
    shares = [weight / sum(weights) for weight in weights]
    return sum(p * (expected := rate * p * seconds) / (1 + expected) for p in shares)


def polls(queues: int) -> float:
    """The requests of a month with which Lambda waits for messages of idle queues."""
    return queues * RULES["pollers"] * SECONDS / RULES["poll_seconds"]
