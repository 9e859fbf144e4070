"""Access tokens: which ones a service accepts."""

import time
from collections.abc import Callable

import pytest

from shared.auth.tokens import Caller, TokenVerifier
from shared.errors import Unauthenticated
from tests.shared.auth.forging import ISSUER, Forge, Key, is_accepted
from tests.shared.auth.hostile_tokens import hostile
from tests.support.callers import FixedKeys

OURS, SECOND = Key(), Key()
FORGE = Forge(OURS.public, OURS.sign)
token, claims, header = FORGE.token, FORGE.claims, FORGE.header


@pytest.fixture
def verifier() -> TokenVerifier:
    return TokenVerifier(ISSUER, FixedKeys(OURS.public, SECOND.public))


@pytest.mark.parametrize("role", ["customer", "admin"])
def test_good_token_names_its_holder(verifier: TokenVerifier, role: str) -> None:
    assert verifier.caller(token(claims(role=role, epoch=7))) == Caller("alice", role, 7)  # type: ignore[arg-type]  # a role
    # As the last release issued it.
    assert verifier.caller(token(claims(role=role, epoch=...))).session_epoch == 0


def test_any_configured_key_may_have_signed(verifier: TokenVerifier) -> None:
    signed = token(header=header(kid=SECOND.public.kid), sign=SECOND.sign)
    assert verifier.caller(signed).id == "alice"


def test_no_hostile_tokenis_accepted(verifier: TokenVerifier, say: Callable[[str], None]) -> None:
    tokens = hostile(FORGE)
    accepted = [name for name, text in tokens.items() if is_accepted(verifier, text)]
    assert accepted == []
    say(f"hostile tokens: {len(tokens)} tried, {len(accepted)} accepted")


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
