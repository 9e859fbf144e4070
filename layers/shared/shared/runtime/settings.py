"""Settings come from the environment once, at a function's entry, into a frozen dataclass of its
own."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields

from shared.errors import OwnError


class InvalidSettings(OwnError):
    """The environment lacks variables that the function cannot start without, or holds unusable
    ones."""


@dataclass(frozen=True)
class ApiSettings:
    """What every service's API reads. A service that needs more inherits from it.

    `token_key_id` names the KMS key by which the last release has signed access tokens. `shards`
    are the table's.
    """

    table_name: str
    token_issuer: str
    token_key_id: str
    keys_table: str
    cors_origins: str
    shards: int


@dataclass(frozen=True)
class OutboxSettings:
    """What a function reads that publishes its table's events on its service's topic. `shards` are
    the table's."""

    table_name: str
    topic_arn: str
    shards: int


@dataclass(frozen=True)
class QueueSettings:
    """What every queue's worker reads. One that needs more inherits from it.

    The queue delivers a message `delivery_attempts` times, then moves it to its dead-letter queue.
    """

    queue_url: str
    dead_letters_url: str
    delivery_attempts: int


def read[T](settings: type[T], environment: Mapping[str, str] | None = None) -> T:
    """Fill the dataclass `settings` from variables named as its fields, in capitals.

    Fields are `str` or `int`.

    Raises:
        InvalidSettings: names every variable that is missing or is not the number it should be.
    """
    source = os.environ if environment is None else environment
    values: dict[str, str | int] = {}
    wrong: list[str] = []
    for field in fields(settings):  # type: ignore[arg-type]  # a dataclass, by the docstring
        name = field.name.upper()
        raw = source.get(name)
        if raw is None:
            wrong.append(f"{name} is missing")
        elif field.type is int:
            try:
                values[field.name] = int(raw)
            except ValueError:
                wrong.append(f"{name} must be a whole number, not {raw!r}")
        else:
            values[field.name] = raw
    if wrong:
        raise InvalidSettings("; ".join(wrong))
    return settings(**values)
