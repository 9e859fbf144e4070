"""Requests about an order that repeat an Idempotency-Key: each makes one thing, once."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, Self

from orders.errors import IdempotencyKeyReused
from shared.contracts.inventory import Line


def derived_id(kind: str, order_id: str, key: str) -> str:
    """The id of what this order's request with this key makes.

    It is derived and not random: a repeated request finds what the first one has made.
    """
    return hashlib.sha256(json.dumps([kind, order_id, key]).encode()).hexdigest()[:32]


def digest_of(lines: Iterable[Line], *others: object) -> str:
    """SHA-256 of a request in a canonical form; a repeated request has the same one."""
    canonical = [sorted((line.product_id, line.quantity) for line in lines), *others]
    return hashlib.sha256(json.dumps(canonical).encode()).hexdigest()


class Made(Protocol):
    """What a request makes."""

    @property
    def request_digest(self) -> str: ...

    def as_requested(self) -> Self:
        """As the response to its request had it."""


@dataclass(frozen=True)
class Requested[T: Made]:
    """What a request has made, and whether an earlier request had done so."""

    made: T
    replayed: bool


def replay[T: Made](earlier: T, request_digest: str) -> Requested[T]:
    """The result of a repeated request.

    Raises:
        IdempotencyKeyReused: the key was used with another request.
    """
    if earlier.request_digest != request_digest:
        raise IdempotencyKeyReused
    return Requested(earlier.as_requested(), replayed=True)
