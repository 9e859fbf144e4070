"""Text as the catalogue compares it: names are folded for sorting, and split for searching."""

import re
import unicodedata
from typing import Final

_WORD: Final = re.compile(r"[^\W_]+")
_MAX_WORD_LENGTH: Final = 40
_MAX_WORDS: Final = 25
_MAX_BYTES: Final = 400  # 200 letters of most alphabets


def folded(text: str) -> str:
    """The text without differences of case and of form (NFKC); accents stay."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def cut(text: str, size: int) -> str:
    """The text's first characters, as many as have so many bytes."""
    return text.encode()[:size].decode(errors="ignore")


def words_of(text: str) -> tuple[str, ...]:
    """The distinct words of a text's first 400 bytes, folded: the first 25, and of each the first
    40 characters.

    With these limits a product and all its words fit in one transaction, each word fits in a key,
    and the cost of a search has a bound.
    """
    return _first_words(cut(folded(text), _MAX_BYTES))


def former_words_of(text: str) -> tuple[str, ...]:
    """Those of the release before, which took them from the whole text."""
    return _first_words(folded(text))


def _first_words(text: str) -> tuple[str, ...]:
    found = dict.fromkeys(word[:_MAX_WORD_LENGTH] for word in _WORD.findall(text))
    return tuple(found)[:_MAX_WORDS]
