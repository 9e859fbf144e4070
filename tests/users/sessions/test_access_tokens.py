"""Access tokens, signed by a key in memory and by KMS, as the other services verify them."""

from typing import Any

import jwt
import pytest

from shared.auth.tokens import Caller, PublicKey, TokenVerifier, keys_from_kms
from shared.runtime import aws, clock
from tests.support.clock import ManualClock
from tests.users.builders import a_user
from tests.users.fakes import LocalSigner
from users.sessions.access_tokens import AccessTokens, KmsSigner

ISSUER = "https://tests.example"


def verifier(*keys: PublicKey) -> TokenVerifier:
    return TokenVerifier(ISSUER, lambda: keys)


def test_token_has_the_claims_of_rfc_9068() -> None:
    signer, moment = LocalSigner(), ManualClock()
    tokens = AccessTokens(ISSUER, signer, moment)
    first, second = (tokens.issue(a_user(id="alice")) for _ in range(2))
    assert jwt.get_unverified_header(first) == {
        "alg": "ES256",
        "typ": "at+jwt",
        "kid": signer.public.kid,
    }
    said: dict[str, Any] = jwt.decode(first, options={"verify_signature": False})
    issued_at = clock.epoch(moment())
    assert said.pop("jti") != jwt.decode(second, options={"verify_signature": False})["jti"]
    assert said == {
        "iss": ISSUER,
        "aud": "bodega",
        "iat": issued_at,
        "exp": issued_at + 900,
        "sub": "alice",
        "role": "customer",
    }


@pytest.mark.usefixtures("account")
def test_verifier_accepts_a_token_that_kms_signed() -> None:
    kms = aws.client("kms")
    signing, other = (
        kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
        for _ in range(2)
    )
    everywhere = TokenVerifier(ISSUER, keys_from_kms(kms, f"{signing},{other}"))
    signer = KmsSigner(kms, signing, kid=lambda: everywhere.signing_key_id)
    token = AccessTokens(ISSUER, signer, clock.now).issue(a_user(id="alice"))
    assert everywhere.caller(token) == Caller("alice", "customer")
