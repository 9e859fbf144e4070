"""What a customer may try in order to get at what is another's: requests drawn at random, with all that could be known."""

import json
import random
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, cast

import httpx

from tests.access.scene import Owner, Scene

_LISTS: Final[tuple[tuple[str, tuple[Mapping[str, str], ...]], ...]] = (
    ("/api/v1/orders", ({}, {"status": "confirmed"}, {"status": "shipped"})),
    ("/api/v1/notifications", ({}, {"unread": "true"})),
)
_FILTERS: Final[Mapping[str, frozenset[str]]] = {
    "/api/v1/orders": frozenset({"user_id", "status"}),
    "/api/v1/notifications": frozenset({"user_id", "unread"}),
    "/api/v1/users": frozenset({"active"}),
}
_STATUSES: Final = ("pending", "confirmed", "shipped", "delivered", "cancelled", "", "none")
_BOOLEANS: Final = ("true", "false", "1", "no", "")


@dataclass(frozen=True)
class Listed:
    """A list of somebody's, and the cursor of its second page."""

    path: str
    query: Mapping[str, str]
    cursor: str


@dataclass(frozen=True)
class Loot:
    """Somebody's things as a stranger might have come by them: ids from a link, cursors from a log, keys from a proxy."""

    owner: Owner
    cursors: tuple[Listed, ...]


@dataclass(frozen=True)
class Attempt:
    """A request, under the attacker's own token.

    Attributes:
        is_refused: whether it asks for what only its owner may have, so that it must not succeed.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    is_refused: bool = False

    def __str__(self) -> str:
        return f"{self.method} {self.path} {dict(self.query)} {self.body} {dict(self.headers)}"


def loot(owner: Owner) -> Loot:
    """What this owner's own requests give away."""
    lists = [(path, query) for path, queries in _LISTS for query in queries]
    lists += [(f"/api/v1/orders/{id_}/events", {}) for id_ in owner.orders]
    cursors = []
    for path, query in lists:
        page = owner.client.get(path, params={**query, "limit": 1}).json()
        if page["next_cursor"]:
            cursors.append(Listed(path, query, page["next_cursor"]))
    assert len(cursors) >= 5, "there is something to take"
    return Loot(owner, tuple(cursors))


@dataclass
class Attacker:
    """A customer who wants what is another's."""

    scene: Scene
    chance: random.Random
    me: Loot
    victim: Loot

    def attempt(self) -> Attempt:
        attack = self.chance.choice(_ATTACKS)
        tried = attack(self)
        if self.chance.random() < 0.1:
            headers = {**tried.headers, "X-Request-ID": self._something()}
            tried = replace(tried, headers=headers)
        return tried

    def send(self, tried: Attempt) -> httpx.Response:
        return self.me.owner.client.request(
            tried.method, tried.path, params=tried.query, json=tried.body, headers=tried.headers
        )

    # --- attacks ---

    def order(self) -> Attempt:
        id_ = self._id(self.victim.owner.orders)
        verb = self.chance.choice(("", "/events", "/cancel", "/ship", "/deliver"))
        method = "GET" if verb in ("", "/events") else "POST"
        return Attempt(method, f"/api/v1/orders/{id_}{verb}", is_refused=True)

    def notification(self) -> Attempt:
        id_ = self._id(self.victim.owner.notifications)
        return Attempt("POST", f"/api/v1/notifications/{id_}/read", is_refused=True)

    def account(self) -> Attempt:
        path = f"/api/v1/users/{self._id((self.victim.owner.id,))}"
        method = self.chance.choice(("GET", "PUT", "DELETE"))
        body = None
        if method == "PUT":
            body = self.chance.choice(
                (
                    {"full_name": "Taken Over"},
                    {"email": f"{uuid.uuid4().hex}@example.com"},
                    {"password": "a-password-of-mine", "current_password": "guessed-by-me"},
                    {"role": "admin"},
                    {"is_active": False},
                )
            )
        query = {"erase": "true"} if method == "DELETE" and self._coin() else {}
        return Attempt(method, path, query, body, is_refused=True)

    def cursor(self) -> Attempt:
        """A cursor of somebody's, of this list or another, whole or not, with the filters it was made for or others."""
        whose = self.chance.choice((self.me, self.victim))
        listed = self.chance.choice(whose.cursors)
        path = listed.path if self._coin() else self.chance.choice(_LISTS)[0]
        query = dict(listed.query) if self._coin() else self._filters(path)
        return Attempt(
            "GET",
            path,
            {**query, "cursor": self._bent(listed.cursor)},
            is_refused=whose is self.victim,
        )

    def list(self) -> Attempt:
        path = self.chance.choice(("/api/v1/orders", "/api/v1/notifications", "/api/v1/users"))
        return Attempt("GET", path, self._filters(path))

    def idempotency_key(self) -> Attempt:
        """The key that placed another's order, with the same body or another."""
        item = {"product_id": self.scene.stage.mug["id"], "quantity": self.chance.choice((1, 1, 2))}
        key = self.chance.choice(self.victim.owner.keys)
        return Attempt(
            "POST", "/api/v1/orders", body={"items": [item]}, headers={"Idempotency-Key": key}
        )

    def refresh_token(self) -> Attempt:
        """Pieces of another's refresh token; the whole one is a key that opens for whoever holds it."""
        family, _, secret = self.victim.owner.client.refresh_token.partition(".")
        own_family, _, own_secret = self.me.owner.client.refresh_token.partition(".")
        token = self.chance.choice(
            (
                f"{self._bent(family, surely=True)}.{secret}",
                f"{uuid.uuid4().hex}.{secret}",
                f"{uuid.uuid4().hex}.{own_secret}",
                secret,
                own_family,
            )
        )
        verb = self.chance.choice(("refresh", "logout"))
        return Attempt("POST", f"/api/v1/auth/{verb}", body={"refresh_token": token})

    # --- chances ---

    def _coin(self) -> bool:
        return self.chance.random() < 0.5

    def _something(self) -> str:
        return self.chance.choice(self.victim.owner.marks[:1] + self.victim.owner.orders)

    def _id(self, ids: tuple[str, ...]) -> str:
        id_ = self.chance.choice(ids)
        return (
            id_
            if self._coin()
            else self.chance.choice((id_, id_.upper(), self._bent(id_), f"{id_}%00"))
        )

    def _filters(self, path: str) -> dict[str, str]:
        """Filters that the list takes: it would look no further at a request with others."""
        victim = self.victim.owner.id
        drawn = {
            "user_id": self.chance.choice((victim, victim, self.me.owner.id, "ADMINS", "", "%")),
            "status": self.chance.choice(_STATUSES),
            "unread": self.chance.choice(_BOOLEANS),
            "active": self.chance.choice(_BOOLEANS),
            "limit": self.chance.choice(("1", "2", "100")),
        }
        taken = _FILTERS.get(path, frozenset()) | {"limit"}
        return {
            name: value
            for name, value in drawn.items()
            if self.chance.random() < 0.4 and name in taken
        }

    def _bent(self, text: str, *, surely: bool = False) -> str:
        """The text, cut short or with one character or bit changed; sometimes as it is."""
        place = self.chance.randrange(len(text))
        bent = [
            text[:place] or "x",
            text[:place] + self.chance.choice("AZaz09-_.") + text[place + 1 :],
            text[:place] + chr(ord(text[place]) ^ 1) + text[place + 1 :],
            text + self.chance.choice("A=-"),
        ]
        kept = self.chance.choice(bent if surely else [*bent, text, text])
        return f"{kept}x" if surely and kept == text else kept


_ATTACKS: Final[tuple[Callable[[Attacker], Attempt], ...]] = (
    *[Attacker.order] * 3,
    *[Attacker.notification] * 2,
    *[Attacker.account] * 2,
    *[Attacker.cursor] * 4,
    *[Attacker.list] * 2,
    Attacker.idempotency_key,
    Attacker.refresh_token,
)


def shown(answer: httpx.Response) -> str:
    """All of an answer but what repeats the question: the path, and the request's id."""
    headers = {k: v for k, v in answer.headers.items() if k.lower() != "x-request-id"}
    text = answer.text
    if answer.headers.get("content-type") == "application/problem+json":
        document = cast("dict[str, Any]", answer.json())
        text = json.dumps(
            {k: v for k, v in document.items() if k not in ("instance", "request_id")}
        )
    return f"{headers} {text}"
