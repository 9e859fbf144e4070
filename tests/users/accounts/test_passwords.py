"""Passwords by Argon2id, for real."""

import argon2
import pytest

from users.accounts import passwords
from users.accounts.passwords import Argon2Passwords

PASSWORD = "correct-horse-battery"


@pytest.fixture(scope="module")
def stored() -> str:
    return Argon2Passwords().hash(PASSWORD)


def test_match_is_true_for_the_password_alone(stored: str) -> None:
    assert Argon2Passwords().match(stored, PASSWORD)
    assert not Argon2Passwords().match(stored, PASSWORD.upper())
    assert not Argon2Passwords().match(None, PASSWORD)


@pytest.mark.parametrize(
    ("password", "typed"),
    [
        ("\uff26\uff35ll-width-pass", "FUll-width-pass"),
        ("caf\u00e9-caf\u00e9-caf\u00e9", "cafe\u0301-cafe\u0301-cafe\u0301"),
        ("\U0001f40e" * 32, "\U0001f40e" * 32),
    ],
)
def test_match_ignores_how_characters_are_composed(password: str, typed: str) -> None:
    assert Argon2Passwords().match(Argon2Passwords().hash(password), typed)


def test_parameters_are_owasp_s_for_unknown_users_too(stored: str) -> None:
    used = argon2.extract_parameters(stored)
    assert used.type is argon2.Type.ID
    assert (used.memory_cost, used.time_cost, used.parallelism) == (19456, 2, 1)
    assert argon2.extract_parameters(passwords._DECOY) == used
