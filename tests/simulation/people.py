"""People who use the simulated shop."""

from dataclasses import dataclass
from typing import Any

import httpx

from tests.support.client import Client


@dataclass
class Regular(Client):
    """Somebody who comes back later: logs in again when the token has expired."""

    def request(self, method: str, path: str, **parts: Any) -> httpx.Response:
        answer = super().request(method, path, **parts)
        if answer.status_code == httpx.codes.UNAUTHORIZED and self.token:
            self.log_in()
            answer = super().request(method, path, **parts)
        return answer
