"""Which fault is on: the parameter, read again every few seconds while calls are made."""

import os
import random
import time
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Final

from faults import plan
from shared.runtime import aws, logging

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

type Draw = Callable[[str], str | None]
"""The kind of fault that the next call of a target gets, None for none."""

_PARAMETER: Final = "FAULTS"


class Current:
    """Args:
    name: the parameter's.
    random: from 0 up to 1.
    """

    def __init__(
        self,
        client: "SSMClient",
        name: str,
        *,
        seconds: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        random: Callable[[], float] = random.random,
    ) -> None:
        self._client = client
        self._name = name
        self._seconds = seconds
        self._now = now
        self._random = random
        self._text = "{}"
        self._fresh_until = float("-inf")

    def draw(self, target: str) -> str | None:
        """See `Draw`. Logs the fault, which `make order` and `make request` show."""
        try:
            fault = plan.read(self._read(), self._now())
        except ValueError:
            logging.logger().warning("the parameter %s is not what `make fault` writes", self._name)
            return None
        if fault is None or fault.target != target or self._random() >= fault.rate:
            return None
        logging.logger().warning("fault on purpose: %s of %s", fault.kind, target)
        return fault.kind

    def _read(self) -> str:
        if self._seconds() >= self._fresh_until:
            # Before the call: while it fails, it is not made at each call either.
            self._fresh_until = self._seconds() + plan.FRESH_SECONDS
            try:
                answer = self._client.get_parameter(Name=self._name)
                self._text = answer["Parameter"]["Value"]
            except Exception as cause:  # noqa: BLE001  # a rehearsal must not fail what it does not name
                logging.logger().warning("could not read the faults: %s", type(cause).__name__)
        return self._text


@cache
def current() -> Current:
    """This environment's."""
    client = aws.client("ssm", connect=0.3, read=0.5, attempts=1)
    return Current(client, os.environ[_PARAMETER])
