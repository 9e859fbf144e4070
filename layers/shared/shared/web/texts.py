"""Characters that texts of people may not have, as sets for the patterns of JSON Schema."""

from typing import Final

CONTROL: Final = r"\u0000-\u001f\u007f-\u009f"
# JSON texts have no surrogates.
UNPRINTABLE: Final = CONTROL + r"\u2028\u2029"
"""Control characters, line and paragraph separators."""
FORMAT: Final = (
    r"\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb"
)
"""Of the format characters those that four digits can write: invisible, or changing the text's
direction."""
# The other format characters may be in a note: emoji and some scripts need joiners.
_DIRECTION: Final = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"


def without(refused: str, *, blank: str = "") -> str:
    """The pattern of texts that have none of the refused characters, and others than white space.

    Args:
        blank: characters that count as white space.
    """
    return rf"^[^{refused}]*[^{refused}\s{blank}][^{refused}]*$"


_UNPRINTABLE_IN_LINES: Final = r"\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029"
NOTE: Final = without(_UNPRINTABLE_IN_LINES + _DIRECTION, blank=FORMAT)
"""One or several lines that are not blank and have no characters that reverse their direction."""
