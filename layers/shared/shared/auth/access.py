"""Who may call a route, which declares it by `@allow`, and what a caller may do with something that
has an owner, which use cases ask by the verb that fits."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from shared.auth.tokens import Caller, Role
from shared.errors import OwnError

type Group = Literal["anyone", "signature", "user", "owner"] | Role
"""Who may call: `anyone` without an access token, who has put a `signature` on the body instead,
any `user` with one, the `owner` of what the path names, or a role."""

_ATTRIBUTE: Final = "__access__"
_SEE_ALL: Final[frozenset[Role]] = frozenset({"admin"})
_CHANGE_ALL: Final[frozenset[Role]] = frozenset({"admin"})


class NotDeclared(OwnError):
    """A route does not say who may call it, or its declaration contradicts itself."""


@dataclass(frozen=True)
class Access:
    """Who may call a route.

    The gate checks access token and role before it reads anything else of a request. Only the
    service knows who owns what, and the secrets of signatures: it checks `owner`, `more_for` and
    `signature` itself.

    Attributes:
        groups: who may call it.
        more_for: roles for whom the route does more than for the others.
    """

    groups: frozenset[Group]
    more_for: frozenset[Role] = frozenset()

    @property
    def is_public(self) -> bool:
        """Whether it may be called without an access token."""
        return not self.groups.isdisjoint(("anyone", "signature"))

    @property
    def reads_token(self) -> bool:
        """Whether the gate checks the access token of a request that has one."""
        return not self.is_public or bool(self.more_for)

    def admits(self, role: Role) -> bool:
        """Whether the gate admits a caller in this role."""
        return not self.groups.isdisjoint(("anyone", "user", "owner", role))

    def __str__(self) -> str:
        others = {"anyone", "signature", "user", "owner"}
        owner, roles = "owner" in self.groups, sorted(self.groups - others)
        named = [f"{role}s" for role in roles]
        if owner:
            return f"{' and '.join(['the owner', *named])}; others get 404"
        if named:
            return f"{' and '.join(named)}; others get 403"
        if "signature" in self.groups:
            return "who signs the body; others get 400"
        base = "anyone" if self.is_public else "any user with an access token"
        more = " and ".join(f"{role}s" for role in sorted(self.more_for))
        return f"{base}; {more} see more" if more else base


class _Mark(Protocol):
    def __call__[Endpoint: Callable[..., Any]](self, endpoint: Endpoint, /) -> Endpoint: ...


def allow(*groups: Group, more_for: tuple[Role, ...] = ()) -> _Mark:
    """Declare who may call an endpoint. Place it below the router's decorator, which reads it.

    >>> @router.get("/api/v1/orders/{id}")
    ... @allow("owner", "admin")
    ... async def get_order(...): ...

    Args:
        groups: `"anyone"`, `"signature"` or `"user"` alone; or `"owner"`, roles, or both.
        more_for: beside `"anyone"` or `"user"`, the roles for whom the route does more. With
            `"anyone"`, the access token is optional then, and the endpoint depends on
            `OptionalCaller`.

    Raises:
        NotDeclared: the declaration contradicts itself.
    """
    alone = {"anyone", "signature", "user"}.intersection(groups)
    broad = alone - {"signature"}
    if not groups or (alone and len(groups) > 1) or (more_for and not broad):
        raise NotDeclared(f"allow({', '.join(groups)}) contradicts itself")
    access = Access(frozenset(groups), frozenset(more_for))

    def mark[Endpoint: Callable[..., Any]](endpoint: Endpoint, /) -> Endpoint:
        setattr(endpoint, _ATTRIBUTE, access)
        return endpoint

    return mark


def declared(endpoint: Callable[..., Any]) -> Access:
    """What the endpoint's `@allow` says.

    Raises:
        NotDeclared: it has none.
    """
    access: Access | None = getattr(endpoint, _ATTRIBUTE, None)
    if access is None:
        name = getattr(endpoint, "__qualname__", repr(endpoint))
        raise NotDeclared(f"{name} has no @allow(...) below its router's decorator")
    return access


def may_see(caller: Caller, owner_id: str) -> bool:
    """Whether the caller may read what this user owns."""
    return caller.id == owner_id or may_see_all(caller)


def may_see_all(caller: Caller) -> bool:
    """Whether the caller may read what any user owns."""
    return caller.role in _SEE_ALL


def may_change(caller: Caller, owner_id: str) -> bool:
    """Whether the caller may change what this user owns."""
    return caller.id == owner_id or may_change_all(caller)


def may_change_all(caller: Caller) -> bool:
    """Whether the caller may change what any user owns."""
    return caller.role in _CHANGE_ALL
