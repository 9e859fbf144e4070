"""What a caller may do with something that has an owner: use cases ask, by the verb that fits."""

from typing import Final

from shared.auth.tokens import Caller, Role

_SEE_ALL: Final[frozenset[Role]] = frozenset({"admin"})
_CHANGE_ALL: Final[frozenset[Role]] = frozenset({"admin"})


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
