"""The one reader of JSON bodies: what it takes, and what it refuses though other readers take
it."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import MalformedJson
from shared.web import request_body

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cn", "Cs"])).filter(
    lambda text: "\ufffd" not in text
)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**90), 10**90) | TEXTS,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(TEXTS, below, max_size=4),
    max_leaves=12,
)


@given(document=DOCUMENTS, as_escapes=st.booleans())
def test_json_is_read_as_it_was_written(document: object, as_escapes: bool) -> None:
    assert request_body.read(json.dumps(document, ensure_ascii=as_escapes).encode()) == document


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5.990", Decimal("5.990")),
        ("0.1", Decimal("0.1")),
        ("1e400", Decimal("1e400")),
        ("1e-400", Decimal("1e-400")),
        ("-0", 0),
        ("9" * 100, int("9" * 100)),
        ('"\\ud83d\\ude00"', "😀"),
        ('{"a": {"a": 1}, "b": [{"a": 1}, {"a": 1}]}', {"a": {"a": 1}, "b": [{"a": 1}, {"a": 1}]}),
        ("[" * 32 + "]" * 32, None),
    ],
)
def test_numbers_are_exact_and_text_is_whole(text: str, value: object) -> None:
    read = request_body.read(text.encode())
    assert value is None or (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    "body",
    {
        "trailing garbage": b"{}x",
        "a trailing comma": b'{"a": 1,}',
        "NaN": b"[NaN]",
        "a leading zero": b"01",
        "a number of 101 digits": b"9" * 101,
        "a fraction of 5,000 digits": b"0." + b"9" * 5000,
        "an exponent that no Decimal takes": b"1e9999999999999999999",
        "a raw control character": b'"a\nb"',
        "a name twice": b'{"a": 1, "a": 1}',
        "a name twice, once escaped": b'{"a": 1, "\\u0061": 2}',
        "a name twice, further down": b'[{"b": {"a": 1, "a": 2}}]',
        "half a character": b'"\\ud800"',
        "half a character as a name": b'{"\\ud800": 1}',
        "half a character, deeper": b'{"a": [{"b": "x\\udfff"}]}',
        "a noncharacter": '"\ufffe"'.encode(),
        "a noncharacter of another plane": '"\U0001fffe"'.encode(),
        "what the gateway makes of bytes": '"caf\ufffd"'.encode(),
        "latin-1": '"é"'.encode("latin-1"),
        "an overlong slash": b'"\xc0\xaf"',
        "UTF-8 with a mark": '"a"'.encode("utf-8-sig"),
        "UTF-16": '{"a": 1}'.encode("utf-16"),
        "33 lists": b"[" * 33 + b"]" * 33,
        "33 objects": b'{"a":' * 33 + b"1" + b"}" * 33,
        "100,000 lists": b"[" * 100_000 + b"]" * 100_000,
    }.items(),
    ids=lambda case: case[0],
)
def test_what_can_be_read_in_two_ways_is_refused(body: tuple[str, bytes]) -> None:
    with pytest.raises(MalformedJson):
        request_body.read(body[1])
