"""Issues access tokens (RFC 9068), which `shared.auth.tokens` defines and verifies."""

import json
import uuid
from collections.abc import Mapping

from shared.auth import jws
from shared.auth.tokens import ALGORITHM, AUDIENCE, LIFETIME_SECONDS, TYPE
from shared.runtime.clock import Clock, epoch
from users.accounts.models import User
from users.sessions.ports import Signers


class AccessTokens:
    """Issues access tokens.

    Args:
        issuer: their `iss`.
    """

    def __init__(self, issuer: str, signers: Signers, clock: Clock) -> None:
        self._issuer = issuer
        self._signers = signers
        self._clock = clock

    def issue(self, user: User, session_id: str) -> str:
        """A token for the user in the role of this moment, valid for `LIFETIME_SECONDS`.

        Clients find their own session in the list by `sid` (OpenID Connect Front-Channel Logout
        1.0, section 3); the shop does not read it.
        """
        signer = self._signers.current()
        issued_at = epoch(self._clock())
        header = {"alg": ALGORITHM, "typ": TYPE, "kid": signer.kid}
        claims = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "exp": issued_at + LIFETIME_SECONDS,
            "iat": issued_at,
            "jti": uuid.uuid4().hex,
            "sub": user.id,
            "sid": session_id,
            "role": user.role,
            "epoch": user.session_epoch,
        }
        message = ".".join(jws.encoded(_json(part)) for part in (header, claims))
        return f"{message}.{jws.encoded(signer.sign(message.encode()))}"


def _json(part: Mapping[str, object]) -> bytes:
    return json.dumps(part, separators=(",", ":")).encode()
