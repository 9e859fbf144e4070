"""Secrets of other companies' services, which no variable, log or trace may hold: read from Systems
Manager at the first use, and again after some minutes, so that they change without a deployment.
"""

import json
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

_KEPT_SECONDS: Final = 300.0


class Secrets:
    """A JSON object in a parameter of type SecureString.

    Args:
        name: the parameter's.
    """

    def __init__(
        self, client: "SSMClient", name: str, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._name = name
        self._seconds = seconds
        self._kept: Mapping[str, Any] = {}
        self._until = 0.0

    def read(self) -> Mapping[str, Any]:
        """The object, as it was in the last five minutes. While Systems Manager does not answer,
        the last one that was read.

        Raises:
            ClientError, BotoCoreError: it was never read, and cannot be.
        """
        if not self._kept or self._seconds() >= self._until:
            self._refresh()
        return self._kept

    def _refresh(self) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = self._client.get_parameter(Name=self._name, WithDecryption=True)
        except (BotoCoreError, ClientError):
            if not self._kept:
                raise
        else:
            self._kept = json.loads(answer["Parameter"]["Value"])
        self._until = self._seconds() + _KEPT_SECONDS
