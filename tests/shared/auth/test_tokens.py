"""Access tokens: which ones a service accepts."""

import base64
import time
from collections.abc import Callable

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from shared.auth.tokens import Caller, PublicKey, TokenVerifier, keys_from_kms, public_key
from shared.errors import Unauthenticated
from shared.runtime import aws
from tests.shared.auth.forging import ISSUER, Forge, Key
from tests.shared.auth.hostile_tokens import hostile

OURS, SECOND = Key(), Key()
FORGE = Forge(OURS.public, OURS.sign)
token, claims, header = FORGE.token, FORGE.claims, FORGE.header


@pytest.fixture
def verifier() -> TokenVerifier:
    return TokenVerifier(ISSUER, lambda: [OURS.public, SECOND.public])


@pytest.mark.parametrize("role", ["customer", "admin"])
def test_good_token_names_its_holder(verifier: TokenVerifier, role: str) -> None:
    assert verifier.caller(token(claims(role=role, epoch=7))) == Caller("alice", role, 7)  # type: ignore[arg-type]  # a role
    # As the last release issued it.
    assert verifier.caller(token(claims(role=role, epoch=...))).session_epoch == 0


def test_any_configured_key_may_have_signed(verifier: TokenVerifier) -> None:
    signed = token(header=header(kid=SECOND.public.kid), sign=SECOND.sign)
    assert verifier.caller(signed).id == "alice"


def test_keys_are_requested_once_and_only_when_needed() -> None:
    requests = []

    def keys() -> list[PublicKey]:
        requests.append(1)
        return [OURS.public]

    verifier = TokenVerifier(ISSUER, keys)
    assert requests == []
    for _ in range(2):
        verifier.caller(token())
    assert requests == [1]
    for kid in "abc":  # invented ids cause no further request
        assert not _is_accepted(verifier, token(header=header(kid=kid)))
    assert len(requests) == 2


def test_no_hostile_token_is_accepted(verifier: TokenVerifier, say: Callable[[str], None]) -> None:
    tokens = hostile(FORGE)
    accepted = [name for name, text in tokens.items() if _is_accepted(verifier, text)]
    assert accepted == []
    say(f"hostile tokens: {len(tokens)} tried, {len(accepted)} accepted")


def _is_accepted(verifier: TokenVerifier, text: str) -> bool:
    try:
        verifier.caller(text)
    except Unauthenticated:
        return False
    return True


@pytest.mark.parametrize("ahead", [0, 5])
def test_clocks_may_differ_by_a_few_seconds(verifier: TokenVerifier, ahead: int) -> None:
    issued_at = int(time.time()) + ahead
    verifier.caller(token(claims(iat=issued_at, exp=issued_at + 900, nbf=int(time.time()))))


def test_token_is_valid_until_it_expires(verifier: TokenVerifier) -> None:
    now = int(time.time())
    verifier.caller(token(claims(exp=now + 60)))
    with pytest.raises(Unauthenticated) as refusal:
        verifier.caller(token(claims(exp=now - 1)))
    assert refusal.value.data["reason"] == "expired"


def test_public_keys_id_is_its_thumbprint() -> None:
    # The example of RFC 7638 is RSA; PyJWT's own reading of the key is compared instead.
    ours = OURS.public
    assert jwt.PyJWK(dict(ours.jwk)).key.public_numbers() == ours.key.public_numbers()
    assert set(ours.jwk) == {"crv", "kty", "x", "y", "use", "alg", "kid"}
    assert public_key(OURS.der).kid == ours.kid
    assert len(base64.urlsafe_b64decode(ours.kid + "=")) == 32


def test_key_of_another_kind_is_refused() -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    der = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    for other in (der, Key(ec.SECP384R1()).der, Key(ec.SECP256K1()).der):
        with pytest.raises(TypeError, match=r"elliptic.*P-256"):
            public_key(other)


@pytest.mark.usefixtures("account")
def test_keys_of_kms_keep_the_order_of_the_setting() -> None:
    kms = aws.client("kms")
    ids = [
        kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
        for _ in range(2)
    ]
    expected = [public_key(kms.get_public_key(KeyId=i)["PublicKey"]).kid for i in ids]
    assert [key.kid for key in keys_from_kms(kms, ",".join(ids))()] == expected
