"""Access tokens: whom a service takes a token's word for, and whom not."""

import base64
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import APIRouter

from shared import aws
from shared.auth import Admin, Authenticated
from shared.errors import Unauthenticated
from shared.http import create_app
from shared.tokens import Caller, PublicKey, TokenVerifier, keys_from_kms, public_key
from tests.support.http import HttpClient

ISSUER = "https://tests.example"


class Key:
    """A P-256 key pair."""

    def __init__(self, curve: ec.EllipticCurve | None = None) -> None:
        self.private = ec.generate_private_key(curve or ec.SECP256R1())

    @property
    def der(self) -> bytes:
        return self.private.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )

    @property
    def public(self) -> PublicKey:
        return public_key(self.der)


OURS, SECOND, FOREIGN = Key(), Key(), Key()


def claims(**changes: object) -> dict[str, Any]:
    """What a good token says, with changes; None takes a claim away."""
    now = int(time.time())
    good = {
        "iss": ISSUER,
        "aud": "bodega",
        "iat": now,
        "exp": now + 900,
        "jti": "1",
        "sub": "alice",
        "role": "customer",
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def header(**changes: object) -> dict[str, Any]:
    return {"typ": "at+jwt", "kid": OURS.public.kid, **changes}


def token(
    said: Mapping[str, Any] | None = None,
    head: Mapping[str, Any] | None = None,
    *,
    key: Any = OURS.private,
    algorithm: str = "ES256",
) -> str:
    return jwt.encode(
        dict(said or claims()), key, algorithm=algorithm, headers=dict(head or header())
    )


@pytest.fixture
def verifier() -> TokenVerifier:
    return TokenVerifier(ISSUER, lambda: [OURS.public, SECOND.public])


@pytest.mark.parametrize("role", ["customer", "admin"])
def test_a_good_token_names_its_holder(verifier: TokenVerifier, role: str) -> None:
    assert verifier.caller(token(claims(role=role))) == Caller("alice", role)  # type: ignore[arg-type]  # a role


def test_any_configured_key_may_have_signed(verifier: TokenVerifier) -> None:
    signed = token(head=header(kid=SECOND.public.kid), key=SECOND.private)
    assert verifier.caller(signed).id == "alice"


def test_the_keys_are_asked_for_once_and_only_when_needed() -> None:
    asked = []

    def keys() -> list[PublicKey]:
        asked.append(1)
        return [OURS.public]

    verifier = TokenVerifier(ISSUER, keys)
    assert asked == []
    for _ in range(2):
        verifier.caller(token())
    assert asked == [1]


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _resigned(text: str) -> str:
    """The token with another payload under the old signature."""
    head, _, signature = text.split(".")
    return f"{head}.{_part(claims(role='admin'))}.{signature}"


HOSTILE: dict[str, Callable[[], str]] = {
    "empty": lambda: "",
    "no token": lambda: "x",
    "two parts": lambda: token().rpartition(".")[0],
    "no signature": lambda: token().rpartition(".")[0] + ".",
    "cut short": lambda: token()[:-2],
    "characters beyond ASCII": lambda: token() + "é",
    "longer than any of ours": lambda: token(claims(pad="x" * 4096)),
    "another payload": lambda: _resigned(token()),
    "unsigned": lambda: token(head=header(), key=None, algorithm="none"),
    "the public key as a secret": lambda: token(
        key="-".join(OURS.public.jwk.values()), algorithm="HS256"
    ),
    "a foreign key under our id": lambda: token(key=FOREIGN.private),
    "a foreign key under its own id": lambda: token(
        head=header(kid=FOREIGN.public.kid), key=FOREIGN.private
    ),
    "a foreign key brought along": lambda: token(
        head=header(jwk=dict(FOREIGN.public.jwk)), key=FOREIGN.private
    ),
    "a foreign key to be loaded": lambda: token(
        head=header(jku="https://evil.example/jwks.json"), key=FOREIGN.private
    ),
    "RSA": lambda: token(
        key=rsa.generate_private_key(public_exponent=65537, key_size=2048), algorithm="RS256"
    ),
    "another curve": lambda: token(key=Key(ec.SECP384R1()).private, algorithm="ES384"),
    "no key id": lambda: token(head={"typ": "at+jwt"}),
    "a list for a key id": lambda: (
        f"{_part({'alg': 'ES256', 'typ': 'at+jwt', 'kid': [OURS.public.kid]})}.{_part(claims())}.AA"
    ),
    "a key id that is a path": lambda: token(head=header(kid="../../dev/null")),
    "a header that is no object": lambda: f"{_part([])}.{_part(claims())}.AA",
    "a header nested deep": lambda: (
        f"{base64.urlsafe_b64encode(b'[' * 2900).decode()}.{_part({})}.AA"
    ),
    "a critical extension": lambda: token(head=header(crit=["b64"], b64=True)),
    "not an access token": lambda: token(head=header(typ="JWT")),
    "another issuer": lambda: token(claims(iss="https://evil.example")),
    "another audience": lambda: token(claims(aud="elsewhere")),
    "several audiences": lambda: token(claims(aud=["bodega", "elsewhere"])),
    "issued in the future": lambda: token(claims(iat=int(time.time()) + 600)),
    "an owner": lambda: token(claims(role="owner")),
    "two roles": lambda: token(claims(role=["admin"])),
    "a number for a subject": lambda: token(claims(sub=7)),
    **{f"without {name}": lambda name=name: token(claims(**{name: None})) for name in claims()},  # type: ignore[misc]  # mypy has no type for a lambda's default
}


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_token_is_refused(verifier: TokenVerifier, make: Callable[[], str]) -> None:
    with pytest.raises(Unauthenticated):
        verifier.caller(make())


def test_a_token_is_good_until_it_expires(verifier: TokenVerifier) -> None:
    now = int(time.time())
    verifier.caller(token(claims(exp=now + 60)))
    with pytest.raises(Unauthenticated) as refusal:
        verifier.caller(token(claims(exp=now - 1)))
    assert refusal.value.data["reason"] == "expired"


def test_a_public_key_s_id_is_its_thumbprint() -> None:
    # The example of RFC 7638 is RSA; PyJWT's own view of the key checks ours.
    ours = OURS.public
    assert jwt.PyJWK(dict(ours.jwk)).key.public_numbers() == ours.key.public_numbers()
    assert set(ours.jwk) == {"crv", "kty", "x", "y", "use", "alg", "kid"}
    assert public_key(OURS.der).kid == ours.kid
    assert len(base64.urlsafe_b64decode(ours.kid + "=")) == 32


def test_a_key_that_is_not_elliptic_is_refused() -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    der = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(TypeError, match="elliptic"):
        public_key(der)


@pytest.mark.usefixtures("account")
def test_the_keys_of_kms_are_in_the_setting_s_order() -> None:
    kms = aws.client("kms")
    ids = [
        kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
        for _ in range(2)
    ]
    expected = [public_key(kms.get_public_key(KeyId=i)["PublicKey"]).kid for i in ids]
    assert [key.kid for key in keys_from_kms(kms, ",".join(ids))()] == expected


class TestRoutes:
    """`shared.auth` in front of a route."""

    @pytest.fixture
    def http(self, verifier: TokenVerifier) -> HttpClient:
        router = APIRouter()

        @router.get("/anyone")
        async def anyone(caller: Authenticated) -> str:
            return caller.id

        @router.get("/admins")
        async def admins(caller: Admin) -> str:
            return caller.id

        return HttpClient(create_app("tests", router, verifier=verifier))

    @pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
    def test_a_good_token_is_let_in(self, http: HttpClient, scheme: str) -> None:
        answer = http.get("/anyone", headers={"Authorization": f"{scheme} {token()}"})
        assert (answer.status, answer.json) == (200, "alice")

    def test_without_a_token_the_challenge_names_no_error(self, http: HttpClient) -> None:
        answer = http.get("/anyone")
        assert (answer.status, answer.code) == (401, "unauthenticated")
        assert answer.headers["www-authenticate"] == 'Bearer realm="bodega"'

    @pytest.mark.parametrize("value", ["Bearer", "Bearer ", "Bearer x", "Basic eDp4", "x"])
    def test_a_bad_token_is_challenged_as_one(self, http: HttpClient, value: str) -> None:
        answer = http.get("/anyone", headers={"Authorization": value})
        assert (answer.status, answer.code) == (401, "unauthenticated")
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]
        assert "reason" not in answer.json

    def test_an_admin_s_route_is_for_admins(self, http: HttpClient) -> None:
        customer = http.get("/admins", headers={"Authorization": f"Bearer {token()}"})
        assert (customer.status, customer.code) == (403, "forbidden")
        admin = token(claims(role="admin"))
        assert http.get("/admins", headers={"Authorization": f"Bearer {admin}"}).status == 200
