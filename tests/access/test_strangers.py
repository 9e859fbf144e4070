"""Customers try to get what others own, at random: nothing is shown or changed."""

import itertools
import json
import random
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import httpx
import pytest

from tests.access.requests import ACCESS, LISTS, ROUTES, body, noun
from tests.access.scene import Owner, Scene, Stored, settle_in

_OWN_LISTS: Final = [path for _, path in LISTS if {"user", "owner"} & ACCESS["GET", path].groups]
_TAKEOVERS: Final = (
    {"full_name": "Taken Over"},
    {"password": "a-password-of-mine", "current_password": "guessed-by-me"},
    {"role": "admin"},
    {"is_active": False},
)


class Stranger:
    """Draws requests for what a victim owns: method, path, query, body, and whether the request
    must be refused because only the owner may have what it asks for."""

    def __init__(self, chance: random.Random, scene: Scene, me: Owner, victim: Owner) -> None:
        self._chance = chance
        self._scene = scene
        self._me = me
        self._victim = victim

    def thing(self) -> tuple[str, str, dict[str, str], Any, bool]:
        """Something to read or change by its id."""
        things = self._victim.things
        routes = [route for route in ROUTES if "{id}" in route[1] and noun(route[1]) in things]
        method, path = self._chance.choice(routes)
        sent = body(self._scene.shop, self._me.client, (method, path))
        if sent is not None and self._coin():
            sent = self._chance.choice(_TAKEOVERS)
        query = {"erase": "true"} if method == "DELETE" and self._coin() else {}
        path = path.replace("{id}", self._id(things[noun(path)]))
        return method, path.replace("{return_id}", self._id(things["returns"])), query, sent, True

    def page(
        self, cursors: dict[str, dict[str, str]]
    ) -> tuple[str, str, dict[str, str], Any, bool]:
        """A list of the victim's, or one with a cursor of another caller or list.

        Args:
            cursors: by owner and path, as a stranger might find them in a log.
        """
        owner = self._chance.choice((self._me, self._victim))
        path, cursor = self._chance.choice([*cursors[owner.id].items()])
        if self._coin():
            path = self._chance.choice([*cursors[self._me.id]])
        if self._coin():
            user_id = self._chance.choice((self._victim.id, self._me.id, "ADMINS", "%"))
            return "GET", path, {"user_id": user_id}, None, False
        return "GET", path, {"cursor": self._bent(cursor)}, None, owner is self._victim

    def _coin(self) -> bool:
        return self._chance.random() < 0.5

    def _id(self, ids: tuple[str, ...]) -> str:
        id_ = self._chance.choice(ids)
        return id_ if self._coin() else self._chance.choice((id_.upper(), f"{id_}%00", id_[:-1]))

    def _bent(self, text: str) -> str:
        """The text as it is, or cut short or changed in one character."""
        place = self._chance.randrange(len(text))
        changed = text[:place] + chr(ord(text[place]) ^ 1) + text[place + 1 :]
        return self._chance.choice((text, text, text[:place] or "x", changed, f"{text}A"))


def cursors_of(owner: Owner) -> dict[str, str]:
    """A cursor of each list of an owner that has a second page."""
    paths = [
        path.replace("{id}", id_)
        for path in _OWN_LISTS
        for id_ in (owner.things[noun(path)] if "{id}" in path else ("",))
    ]
    pages = {path: owner.client.get(path, params={"limit": 1}).json() for path in paths}
    cursors = {path: page["next_cursor"] for path, page in pages.items() if page["next_cursor"]}
    assert len(cursors) >= 4
    return cursors


def shown(answer: httpx.Response) -> str:
    """All of an answer but what repeats the request: its path and its id."""
    headers = {k: v for k, v in answer.headers.items() if k.lower() != "x-request-id"}
    if answer.headers.get("content-type") != "application/problem+json":
        return f"{headers} {answer.text}"
    return f"{headers} {answer.json() | {'instance': '', 'request_id': ''}}"


def stored_for(stored: Stored, owner: Owner) -> Stored:
    return {
        key: item
        for key, item in stored.items()
        if any(mark in json.dumps([key, item]) for mark in owner.marks)
    }


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    ("trials", "seed"), [(1_000, 1), pytest.param(100_000, 2, marks=pytest.mark.torture)]
)
def test_no_customer_reads_or_changes_what_another_owns(
    scene: Scene, restore: Callable[[], None], trials: int, seed: int
) -> None:
    chance = random.Random(seed)
    owners = [scene.owner, scene.other, settle_in(scene.shop, f"thea-{uuid.uuid4().hex[:4]}")]
    cursors = {owner.id: cursors_of(owner) for owner in owners}
    owned = {owner.id: stored_for(scene.stored, owner) for owner in owners}
    tables: Any = scene.shop.cloud.dynamodb.tables
    statuses: Counter[int] = Counter()
    pairs = list(itertools.permutations(owners, 2))
    for _ in range(trials):
        me, victim = chance.choice(pairs)
        stranger = Stranger(chance, scene, me, victim)
        tried = stranger.page(cursors) if chance.random() < 0.5 else stranger.thing()
        method, path, query, sent, is_refused = tried
        answer = me.client.request(method, path, params=query, json=sent)
        statuses[answer.status_code] += 1
        others = [owner for owner in owners if owner is not me]
        assert not [mark for it in others for mark in it.marks if mark in shown(answer)], tried
        assert (400 if is_refused else 200) <= answer.status_code < 500, (tried, answer.text)
        if scene.shop.wire.calls:
            for owner in others:
                for (table, *key), item in owned[owner.id].items():
                    assert tables[table].items.get(tuple(key)) is item, tried
            scene.shop.wire.forget()
    # Answers with the caller's own things show that the requests were valid ones.
    assert statuses[200] > trials / 30
