"""Text as the catalogue compares it."""

import pytest

from products.catalogue.text import folded, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("  mug,red;MUG/Red ", ("mug", "red")),
        ("Straße", ("strasse",)),
        ("CAFÉ Cafe\u0301", ("café",)),
        ("\ufb01ne \u00bd", ("fine", "1", "2")),
        ("\uff26\uff55\uff4c\uff4c", ("full",)),
        ("snake_case", ("snake", "case")),
        ("茶碗 2個", ("茶碗", "2個")),
        ("!!! — …", ()),
        (" ".join(f"w{n}" for n in range(40)), tuple(f"w{n}" for n in range(25))),
        ("a" * 200, ("a" * 40,)),
        # 400 bytes, of which the last is a part of a letter.
        (f"{'.' * 393} 茶碗茶", ("茶碗",)),
    ],
)
def test_words_are_distinct_folded_and_limited(text: str, words: tuple[str, ...]) -> None:
    assert words_of(text) == words


def test_folded_text_has_no_case_and_one_form() -> None:
    assert folded("STRASSE") == folded("Straße")
    assert folded("Ⅳ") == folded("iv")
