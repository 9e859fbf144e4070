"""The claims of access tokens. `tests/shared/auth` has what a verifier accepts."""

import jwt

from shared.runtime import clock
from tests.support.clock import ManualClock
from tests.users.builders import a_user
from tests.users.fakes import LocalSigner
from users.sessions.access_tokens import AccessTokens


def test_token_has_the_claims_of_rfc_9068() -> None:
    signer, moment = LocalSigner(), ManualClock()
    tokens = AccessTokens("https://tests.example", signer, moment)
    first, second = (tokens.issue(a_user(id="alice", session_epoch=7), "desk") for _ in range(2))
    header = {"alg": "ES256", "typ": "at+jwt", "kid": signer.public.kid}
    assert jwt.get_unverified_header(first) == header
    claims, others = (
        jwt.decode(token, options={"verify_signature": False}) for token in (first, second)
    )
    issued_at = clock.epoch(moment())
    assert claims.pop("jti") != others["jti"]
    assert claims == {
        "iss": "https://tests.example",
        "aud": "bodega",
        "iat": issued_at,
        "exp": issued_at + 900,
        "sub": "alice",
        "sid": "desk",
        "role": "customer",
        "epoch": 7,
    }
