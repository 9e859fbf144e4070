"""How requests reach Stripe: urllib3, which botocore brings, with time-outs of our own."""

from collections.abc import Mapping
from typing import Any, Final

import stripe
import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

CONNECT_SECONDS: Final = 1.0
READ_SECONDS: Final = 8.0

type Headers = Mapping[str, str]
type Answer = tuple[str, int, Headers]
"""The body, the status and the headers, as Stripe's library expects them."""


class NotSentError(stripe.APIConnectionError):
    """There was no connection: Stripe has not received the request."""

    def __init__(self) -> None:
        super().__init__("Stripe cannot be reached")  # type: ignore[no-untyped-call]


class LostError(stripe.APIConnectionError):
    """There was no answer: Stripe may have received the request."""

    def __init__(self) -> None:
        super().__init__("Stripe did not answer")  # type: ignore[no-untyped-call]


class Transport(stripe.HTTPClient):
    """Sends each request once: the saga retries."""

    name = "urllib3"

    def __init__(self, *, connect: float = CONNECT_SECONDS, read: float = READ_SECONDS) -> None:
        super().__init__()
        timeout = urllib3.Timeout(connect=connect, read=read)
        self._pool = urllib3.PoolManager(timeout=timeout, retries=False)

    def request(
        self, method: str, url: str, headers: Headers | None, post_data: Any = None, **_: Any
    ) -> Answer:
        try:
            answer = self._pool.request(
                method.upper(), url, headers=headers, body=post_data, redirect=False
            )
            return answer.data.decode(), answer.status, answer.headers
        except (NewConnectionError, ConnectTimeoutError) as cause:
            raise NotSentError from cause
        except (HTTPError, UnicodeDecodeError) as cause:
            raise LostError from cause

    def close(self) -> None:
        self._pool.clear()
