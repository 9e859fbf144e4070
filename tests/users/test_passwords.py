"""Passwords by Argon2id, for real."""

import argon2
import pytest

from users.accounts import passwords
from users.accounts.passwords import Argon2Passwords

PASSWORD = "correct-horse-battery"


@pytest.fixture(scope="module")
def kept() -> str:
    return Argon2Passwords().hash(PASSWORD)


def test_the_right_one_matches_and_a_wrong_one_does_not(kept: str) -> None:
    assert Argon2Passwords().match(kept, PASSWORD)
    assert not Argon2Passwords().match(kept, PASSWORD.upper())


def test_no_hash_matches_nothing() -> None:
    assert not Argon2Passwords().match(None, PASSWORD)


@pytest.mark.parametrize(
    "password", ["\uff26\uff35ll-width-pass", "pass-e\u0301-\U0001f40e" * 2, "x" * 128]
)
def test_any_characters_make_a_password(password: str) -> None:
    service = Argon2Passwords()
    assert service.match(service.hash(password), password)


def test_a_keyboard_may_compose_characters_in_another_way() -> None:
    service = Argon2Passwords()
    assert service.match(
        service.hash("caf\u00e9-caf\u00e9-caf\u00e9"), "cafe\u0301-cafe\u0301-cafe\u0301"
    )


def test_parameters_are_owasp_s_and_unknown_users_cost_the_same(kept: str) -> None:
    wanted = argon2.extract_parameters(kept)
    assert wanted.type is argon2.Type.ID
    assert (wanted.memory_cost, wanted.time_cost, wanted.parallelism) == (19456, 2, 1)
    assert argon2.extract_parameters(passwords._NOBODY) == wanted
