"""Customers try to get what others own, at random: nothing is shown or changed."""

import itertools
import json
import random
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import pytest

from tests.access.scene import Owner, Scene, Stored, settle_in

_LISTS: Final = {
    "/api/v1/orders": ({}, {"status": "confirmed"}, {"status": "shipped"}),
    "/api/v1/notifications": ({}, {"unread": "true"}),
}
_BODIES: Final = (
    {"full_name": "Taken Over"},
    {"password": "a-password-of-mine", "current_password": "guessed-by-me"},
    {"role": "admin"},
    {"is_active": False},
)


@dataclass(frozen=True)
class Belongings:
    """An owner, and the cursors of their lists, as a stranger might find them in a log."""

    owner: Owner
    cursors: tuple[tuple[str, Mapping[str, str], str], ...]


@dataclass(frozen=True)
class Attempt:
    """A request; `is_refused` if it asks for what only its owner may have."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    is_refused: bool = False


@dataclass
class Stranger:
    """Draws requests for what the victim owns."""

    chance: random.Random
    me: Belongings
    victim: Belongings

    def attempt(self) -> Attempt:
        draw = self.chance.choice(
            (*[self.order] * 3, *[self.notification] * 2, *[self.account] * 2, *[self.page] * 6)
        )
        return draw()

    def order(self) -> Attempt:
        verb = self.chance.choice(("", "/events", "/cancel", "/ship", "/deliver"))
        method = "GET" if verb in ("", "/events") else "POST"
        path = f"/api/v1/orders/{self._id(self.victim.owner.orders)}{verb}"
        return Attempt(method, path, is_refused=True)

    def notification(self) -> Attempt:
        id_ = self._id(self.victim.owner.notifications)
        return Attempt("POST", f"/api/v1/notifications/{id_}/read", is_refused=True)

    def account(self) -> Attempt:
        path = f"/api/v1/users/{self._id((self.victim.owner.id,))}"
        method = self.chance.choice(("GET", "PUT", "DELETE"))
        body = self.chance.choice(_BODIES) if method == "PUT" else None
        query = {"erase": "true"} if method == "DELETE" and self._coin() else {}
        return Attempt(method, path, query, body, is_refused=True)

    def page(self) -> Attempt:
        """A list of the victim's, or one with a cursor of another caller or list."""
        owner = self.chance.choice((self.me, self.victim))
        path, query, cursor = self.chance.choice(owner.cursors)
        if self._coin():
            path, query = self.chance.choice(tuple(_LISTS)), {}
        if self._coin():
            user_id = self.chance.choice((self.victim.owner.id, self.me.owner.id, "ADMINS", "%"))
            return Attempt("GET", path, {**query, "user_id": user_id})
        query = {**query, "cursor": self._bent(cursor)}
        return Attempt("GET", path, query, is_refused=owner is self.victim)

    def _coin(self) -> bool:
        return self.chance.random() < 0.5

    def _id(self, ids: tuple[str, ...]) -> str:
        id_ = self.chance.choice(ids)
        return id_ if self._coin() else self.chance.choice((id_.upper(), f"{id_}%00", id_[:-1]))

    def _bent(self, text: str) -> str:
        """The text as it is, or cut short or changed in one character."""
        place = self.chance.randrange(len(text))
        changed = text[:place] + chr(ord(text[place]) ^ 1) + text[place + 1 :]
        return self.chance.choice((text, text, text[:place] or "x", changed, f"{text}A"))


def belongings(owner: Owner) -> Belongings:
    lists = [(path, query) for path, queries in _LISTS.items() for query in queries]
    lists += [(f"/api/v1/orders/{id_}/events", {}) for id_ in owner.orders]
    cursors = []
    for path, query in lists:
        page = owner.client.get(path, params={**query, "limit": 1}).json()
        if page["next_cursor"]:
            cursors.append((path, query, page["next_cursor"]))
    assert len(cursors) >= 5
    return Belongings(owner, tuple(cursors))


def shown(answer: httpx.Response) -> str:
    """All of an answer but what repeats the request: its path and its id."""
    headers = {k: v for k, v in answer.headers.items() if k.lower() != "x-request-id"}
    if answer.headers.get("content-type") != "application/problem+json":
        return f"{headers} {answer.text}"
    problem = answer.json()
    return (
        f"{headers} { {k: v for k, v in problem.items() if k not in ('instance', 'request_id')} }"
    )


def stored_for(stored: Stored, owner: Owner) -> Stored:
    return {
        key: item
        for key, item in stored.items()
        if any(mark in json.dumps([key, item]) for mark in owner.marks)
    }


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    ("trials", "seed"), [(2_500, 1), pytest.param(100_000, 2, marks=pytest.mark.torture)]
)
def test_no_customer_reads_or_changes_what_another_owns(
    scene: Scene, restore: Callable[[], None], trials: int, seed: int
) -> None:
    chance = random.Random(seed)
    third = settle_in(scene.shop, f"thea-{uuid.uuid4().hex[:4]}")
    all_ = [belongings(owner) for owner in (scene.owner, scene.other, third)]
    owned = {it.owner.id: stored_for(scene.stored, it.owner) for it in all_}
    tables: Any = scene.shop.cloud.dynamodb.tables
    statuses: Counter[int] = Counter()
    pairs = list(itertools.permutations(all_, 2))
    for _ in range(trials):
        me, victim = chance.choice(pairs)
        tried = Stranger(chance, me, victim).attempt()
        answer = me.owner.client.request(
            tried.method, tried.path, params=tried.query, json=tried.body
        )
        statuses[answer.status_code] += 1
        seen, others = shown(answer), [it.owner for it in all_ if it is not me]
        assert not [mark for owner in others for mark in owner.marks if mark in seen], tried
        assert (400 if tried.is_refused else 200) <= answer.status_code < 500, (tried, answer.text)
        if scene.shop.wire.calls:
            for owner in others:
                for (table, *key), item in owned[owner.id].items():
                    assert tables[table].items.get(tuple(key)) is item, tried
            scene.shop.wire.forget()
    # Answers with the caller's own things show that the requests were valid ones.
    assert statuses[200] > trials / 20
