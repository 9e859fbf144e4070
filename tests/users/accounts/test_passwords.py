"""Passwords by Argon2id, for real."""

import argon2
import pytest

from users.accounts import passwords
from users.accounts.passwords import Argon2Passwords


@pytest.mark.parametrize(
    ("password", "typed"),
    [
        ("correct-horse-battery", "correct-horse-battery"),
        ("\uff26\uff35ll-width-pass", "FUll-width-pass"),
        ("caf\u00e9-caf\u00e9-caf\u00e9", "cafe\u0301-cafe\u0301-cafe\u0301"),
    ],
)
def test_match_is_true_for_the_password_however_its_characters_are_composed(
    password: str, typed: str
) -> None:
    stored = Argon2Passwords().hash(password)
    assert Argon2Passwords().match(stored, typed)
    assert not Argon2Passwords().match(stored, typed.upper())
    assert not Argon2Passwords().match(None, typed)


def test_parameters_are_owasp_s_for_unknown_users_too() -> None:
    used = argon2.extract_parameters(Argon2Passwords().hash("correct-horse-battery"))
    assert used.type is argon2.Type.ID
    assert (used.memory_cost, used.time_cost, used.parallelism) == (19456, 2, 1)
    assert argon2.extract_parameters(passwords._DECOY) == used
