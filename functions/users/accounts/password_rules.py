"""Which new passwords are refused: those that a guesser tries first.

By NIST SP 800-63B (revision 3, section 5.1.1.2; revision 4, section 3.1.1.2): the commonest ones,
the user's own words and the shop's, repeated and sequential characters. A long password that also
contains such a word is accepted.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from itertools import groupby, pairwise
from pathlib import Path
from typing import Final

from users.accounts.errors import WeakPassword

_SHORTEST: Final = 12
# What a password has at least besides that which is easily guessed; NIST's shortest password.
_LEFT: Final = 8
_SHORTEST_WORD: Final = 3
_SHOP: Final = "bodega"
_NO_LETTERS_AT_ENDS: Final = re.compile(r"^[\W\d_]+|[\W\d_]+$")


def check(password: str, *, email: str, full_name: str) -> None:
    """Return if the password may be the new one of a user with this address and name.

    Raises:
        WeakPassword: it is a common one, is made of the user's words, or is monotonous.
    """
    text = _folded(password)
    core = _NO_LETTERS_AT_ENDS.sub("", text)
    if text in _common() or (core in _common() and len(text) - len(core) < _LEFT):
        raise WeakPassword("is among the most common ones")
    local = email.partition("@")[0]
    words = [email, local, full_name, _SHOP, *re.split(r"[\W_]+", f"{local} {full_name}")]
    taken = _characters_of(text, map(_letters, words))
    if taken and len(text) - taken < _LEFT:
        raise WeakPassword("is too close to your name or e-mail address")
    if _is_repetition(text) or len(text) - _predictable(text) < _LEFT:
        raise WeakPassword("has too many repeated or consecutive characters")


@cache
def _common() -> frozenset[str]:
    """The common passwords, read when the first password is set."""
    lines = Path(__file__).with_name("common_passwords.txt").read_text("utf-8").splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, _folded(text)))


def _characters_of(text: str, words: Iterable[str]) -> int:
    """How many characters of a text are of these words, however separated."""
    letters = rest = _letters(text)
    for word in sorted(words, key=len, reverse=True):
        if len(word) >= _SHORTEST_WORD:
            rest = rest.replace(word, "")
    return len(letters) - len(rest)


def _is_repetition(text: str) -> bool:
    """Whether a text that is no valid password itself, repeated, makes this one."""
    longest = min(_SHORTEST - 1, len(text) // 2)
    return any(text[length:] == text[:-length] for length in range(1, longest + 1))


def _predictable(text: str) -> int:
    """How many characters continue a run of at least three that are equal or consecutive."""
    steps = groupby(ord(second) - ord(first) for first, second in pairwise(text))
    runs = [len([*group]) for step, group in steps if abs(step) <= 1]
    return sum(length for length in runs if length > 1)
