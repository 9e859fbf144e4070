"""Text as the catalogue compares it: names are folded for sorting, and split for searching."""

import re
import unicodedata
from typing import Final

_WORD: Final = re.compile(r"[^\W_]+")
_MAX_WORD_LENGTH: Final = 40
_MAX_WORDS: Final = 25


def folded(text: str) -> str:
    """The text without differences of case and of form (NFKC); accents stay."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def words_of(text: str) -> tuple[str, ...]:
    """The distinct words of a text, folded: the first 25, and of each the first 40 characters.

    With these limits a product and all its words fit in one transaction, and each word in a key.
    """
    found = dict.fromkeys(word[:_MAX_WORD_LENGTH] for word in _WORD.findall(folded(text)))
    return tuple(found)[:_MAX_WORDS]
