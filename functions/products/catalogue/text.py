"""Text as the catalogue compares it: names fold to one form for sorting, and into words for searching."""

import re
import unicodedata
from typing import Final

_WORD: Final = re.compile(r"[^\W_]+")
_LONGEST_WORD: Final = 40
_MOST_WORDS: Final = 25


def folded(text: str) -> str:
    """The text without differences of case and of form (NFKC); accents stay."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def words_of(text: str) -> tuple[str, ...]:
    """The distinct words of a text, folded: the first 25 of them, and of each the first 40 characters.

    The bounds keep a product and all its words in one transaction, and each word in a key.
    """
    found = dict.fromkeys(word[:_LONGEST_WORD] for word in _WORD.findall(folded(text)))
    return tuple(found)[:_MOST_WORDS]
