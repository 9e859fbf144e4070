"""Cursors: good for their caller and their query, and for nobody and nothing else."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidCursor
from shared.runtime import aws
from shared.web.cursors import Cursors, key_from_kms

POSITION = {"pk": "USER#1", "created_at": "2026-11-20T08:30:00.000Z", "n": 7}
QUERY = {"list": "users", "active": True}


@pytest.fixture
def cursors() -> Cursors:
    return Cursors(lambda: b"k" * 32)


def sealed(cursors: Cursors, **query: Any) -> str:
    cursor = cursors.seal(POSITION, caller="alice", query=QUERY | query)
    assert cursor is not None
    return cursor


def test_a_cursor_opens_to_its_position(cursors: Cursors) -> None:
    assert cursors.open(sealed(cursors), caller="alice", query=QUERY) == POSITION


def test_every_environment_opens_what_another_sealed(cursors: Cursors) -> None:
    other = Cursors(lambda: b"k" * 32)
    assert other.open(sealed(cursors), caller="alice", query=QUERY) == POSITION


def test_the_start_and_the_end_of_a_list_have_none(cursors: Cursors) -> None:
    assert cursors.seal(None, caller="alice", query=QUERY) is None
    assert cursors.open(None, caller="alice", query=QUERY) is None


def test_a_filter_that_is_not_set_is_like_one_that_is_not_there(cursors: Cursors) -> None:
    cursor = sealed(cursors, category=None)
    assert cursors.open(cursor, caller="alice", query=QUERY) == POSITION


@pytest.mark.parametrize(
    ("caller", "query"),
    [
        ("bob", QUERY),
        ("", QUERY),
        ("alice", {**QUERY, "active": False}),
        ("alice", {**QUERY, "list": "orders"}),
        ("alice", {**QUERY, "user_id": "bob"}),
        ("alice", {"list": "users"}),
        ("alice", {}),
    ],
)
def test_somebody_or_something_else_s_is_refused(
    cursors: Cursors, caller: str, query: dict[str, Any]
) -> None:
    with pytest.raises(InvalidCursor):
        cursors.open(sealed(cursors), caller=caller, query=query)


@pytest.mark.parametrize(
    "forged",
    [
        "",
        "x",
        "====",
        "é",
        "a b",
        "A" * 4097,
        base64.urlsafe_b64encode(b"0" * 32 + b'{"pk":"USER#2"}').decode(),
        base64.urlsafe_b64encode(b'{"pk":"USER#2"}').decode(),
    ],
)
def test_a_forged_one_is_refused(cursors: Cursors, forged: str) -> None:
    with pytest.raises(InvalidCursor):
        cursors.open(forged, caller="alice", query=QUERY)


def test_another_key_s_is_refused(cursors: Cursors) -> None:
    other = Cursors(lambda: b"o" * 32)
    with pytest.raises(InvalidCursor):
        cursors.open(sealed(other), caller="alice", query=QUERY)


@given(place=st.integers(min_value=0), flip=st.integers(min_value=1, max_value=255))
def test_no_byte_of_one_may_change(place: int, flip: int) -> None:
    cursors = Cursors(lambda: b"k" * 32)
    cursor = sealed(cursors)
    raw = bytearray(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    raw[place % len(raw)] ^= flip
    changed = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    with pytest.raises(InvalidCursor):
        cursors.open(changed, caller="alice", query=QUERY)


def test_the_key_is_asked_for_at_the_first_use_and_once() -> None:
    asked = []

    def key() -> bytes:
        asked.append(1)
        return b"k" * 32

    cursors = Cursors(key)
    cursors.open(None, caller="alice", query=QUERY)
    assert asked == []
    cursors.open(sealed(cursors), caller="alice", query=QUERY)
    assert asked == [1]


@pytest.mark.usefixtures("account")
def test_kms_gives_every_environment_the_same_key() -> None:
    kms = aws.client("kms")
    made = kms.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
    derive = key_from_kms(kms, made["KeyMetadata"]["KeyId"])
    assert derive() == derive()
    assert len(derive()) == 32
