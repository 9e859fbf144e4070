"""Passwords that a guesser tries first are refused as new ones."""

import pytest

from users.accounts.errors import WeakPassword
from users.accounts.password_rules import check

COMMON = "common"
PERSONAL = "name or e-mail"
MONOTONOUS = "repeated or consecutive"


def refusal(password: str) -> str:
    """The reason, empty if the password is accepted."""
    try:
        check(password, email="Petra.Muster@example.com", full_name="Petra Müller-Öztürk")
    except WeakPassword as weak:
        return weak.detail
    return ""


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        # The list, however it is written, and its words with little round them.
        *((text, COMMON) for text in ("1qaz2wsx3edc", "QWERTY123456", "Administrator")),
        *((text, COMMON) for text in ("\uff31werty123456", "Password2024!", "!!!p@ssw0rd!")),
        *((text, COMMON) for text in ("welcome54321", "2024-Sunshine")),
        # The address, its local part, the name and the shop's.
        *((text, PERSONAL) for text in ("petra.muster@example.com", "Petra.Muster")),
        *(
            (text, PERSONAL)
            for text in ("PETRAmuster1", "muster-petra-7", "petra.muster@example.com7")
        ),
        *((text, PERSONAL) for text in ("Petra Mu\u0308ller-O\u0308ztu\u0308rk", "Öztürk-2026!")),
        *((text, PERSONAL) for text in ("bodega-petra-99", "my-bodega-pw")),
        *((text, MONOTONOUS) for text in ("x" * 128, "aaaa-bbbb-cccc", "111222333444x")),
        *((text, MONOTONOUS) for text in ("abcdefghijklm", "zyxwvutsrqpo", "1234abcd5678")),
        *((text, MONOTONOUS) for text in ("hunter7hunter7", "no way no way no way ")),
        *((text, MONOTONOUS) for text in ("cold-tea-cold-tea-cold", "абвгдежзийкл")),
    ],
)
def test_weak_password_is_refused_with_its_reason(password: str, reason: str) -> None:
    detail = refusal(password)
    assert reason in detail
    assert detail.startswith("password: ")
    assert password not in detail


@pytest.mark.parametrize(
    "password",
    [
        *("correct-horse-battery", "a-long-enough-password", "another-long-password"),
        *("Petra-likes-green-tea", "the-password-of-my-tin-box", "Sunshine-over-Lisbon-7"),
        *("x7Kq9!mZt2#w", "4071 8825 3396", "kaffee mit 123 Löffeln", "первый снег в мае"),
        *("東京の空は青いですね今日は", "\U0001f98a\U0001f347" * 5 + "\U0001f3bb\U0001f332"),
        "cold-tea-mug-cold",
        "cold-tea-mugcold-tea-mug",
    ],
)
def test_password_that_is_long_and_varied_is_accepted(password: str) -> None:
    assert refusal(password) == ""


@pytest.mark.parametrize(("email", "full_name"), [("jo@b.co", "Jo"), ("a@b.co", "Ž"), ("x", "-")])
def test_short_names_refuse_no_password(email: str, full_name: str) -> None:
    check("major-bond-joke", email=email, full_name=full_name)
