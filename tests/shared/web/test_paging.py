"""A cursor is valid for one caller and one query."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidCursor
from shared.web.paging import Cursors, key_from
from tests.support.aws import before_next, simulated_table

POSITION = {"pk": "USER#1", "created_at": "2026-11-20T08:30:00.000Z", "n": 7}
QUERY = {"list": "users", "active": True}
CURSORS = Cursors(lambda: b"k" * 32)


def sealed(cursors: Cursors = CURSORS, **query: Any) -> str:
    cursor = cursors.seal(POSITION, caller="alice", query=QUERY | query)
    assert cursor is not None
    return cursor


def test_cursor_opens_in_every_environment_with_the_key() -> None:
    assert CURSORS.open(sealed(), caller="alice", query=QUERY) == POSITION
    assert Cursors(lambda: b"k" * 32).open(sealed(), caller="alice", query=QUERY) == POSITION
    # A filter that is None is no filter.
    assert CURSORS.open(sealed(category=None), caller="alice", query=QUERY) == POSITION


@pytest.mark.parametrize(
    ("cursor", "caller", "query"),
    [
        (sealed(), "bob", QUERY),
        (sealed(), "alice", {**QUERY, "active": False}),
        (sealed(), "alice", {**QUERY, "user_id": "bob"}),
        (sealed(), "alice", {"list": "users"}),
        (sealed(Cursors(lambda: b"o" * 32)), "alice", QUERY),
        *((forged, "alice", QUERY) for forged in ("", "x", "====", "é", "a b", "A" * 4097)),
        (base64.urlsafe_b64encode(b"0" * 32 + b'{"pk":"USER#2"}').decode(), "alice", QUERY),
    ],
)
def test_foreign_or_forged_cursor_is_refused(
    cursor: str, caller: str, query: dict[str, Any]
) -> None:
    with pytest.raises(InvalidCursor):
        CURSORS.open(cursor, caller=caller, query=query)


@given(place=st.integers(min_value=0), flip=st.integers(min_value=1, max_value=255))
def test_cursor_with_a_changed_byte_is_refused(place: int, flip: int) -> None:
    cursor = sealed()
    raw = bytearray(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    raw[place % len(raw)] ^= flip
    changed = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    with pytest.raises(InvalidCursor):
        CURSORS.open(changed, caller="alice", query=QUERY)


def test_key_is_requested_at_the_first_use_and_once() -> None:
    requests = []

    def key() -> bytes:
        requests.append(1)
        return b"k" * 32

    cursors = Cursors(key)
    assert cursors.open(None, caller="alice", query=QUERY) is None
    assert cursors.seal(None, caller="alice", query=QUERY) is None
    assert requests == []
    cursors.open(sealed(cursors), caller="alice", query=QUERY)
    assert requests == [1]


def test_key_of_a_service_is_made_once_and_is_its_own() -> None:
    table = simulated_table("KeysTable")
    first = key_from(table, "orders")()
    assert len(first) == 32
    assert key_from(table, "orders")() == first
    assert key_from(table, "products")() != first


def test_two_environments_that_make_the_key_at_once_have_the_same() -> None:
    table = simulated_table("KeysTable")
    others: list[bytes] = []
    before_next(table, "put_item", lambda: others.append(key_from(table, "orders")()))
    assert key_from(table, "orders")() == others[0]
