"""Families of refresh tokens in DynamoDB."""

from typing import Final

from shared.storage.conflicts import ConcurrentChange
from shared.storage.dynamodb import ConditionFailed, Item, Key, Table, assigning
from shared.storage.items import from_item, to_item
from users.sessions.models import Family

_ID_LENGTH: Final = 32  # of a user's id and of a session's
_NEWEST: Final = 100
_ROTATED: Final = ("digest", "last_used_at", "previous_until")


class DynamoFamilies:
    """Implements `Families`. An item's `ttl` is the family's `expires_at`.

    Args:
        former: where an earlier release has stored its families, until the last one expires, 30
            days after the deployment.
    """

    def __init__(self, credentials: Table, *, former: Table) -> None:
        self._table = credentials
        self._former = former

    def add(self, family: Family) -> None:
        attributes = to_item(family, omit=("id", "user_id", "expires_at"))
        self._table.put({**_key(family.id), **attributes, "ttl": family.expires_at})

    def find(self, family_id: str) -> Family | None:
        table, key = self._place(family_id)
        item = table.get(key)
        if item is None:
            return None
        if table is self._former:
            return from_item(Family, item, id=family_id, expires_at=item["ttl"])
        return _family(item)

    def newest(self, user_id: str) -> list[Family]:
        page = self._table.query(
            "#pk = :pk",
            {"pk": _partition(user_id)},
            limit=_NEWEST,
            forward=False,
            consistent=True,
        )
        return [_family(item) for item in page.items]

    def rotate(self, before: Family, after: Family) -> None:
        table, key = self._place(before.id)
        values = to_item(after)
        changes: Item = {name: values[name] for name in _ROTATED if name in values}
        try:
            table.update(
                key,
                assigning(changes),
                condition="#digest = :old",
                values={**changes, "old": before.digest},
            )
        except ConditionFailed as cause:
            # The SDK repeats a write whose answer was lost: the new digest is stored already then.
            if cause.item is None or cause.item["digest"] != after.digest:
                raise ConcurrentChange from cause

    def end(self, family_id: str) -> bool:
        table, key = self._place(family_id)
        try:
            table.delete(key, condition="attribute_exists(#pk)")
        except ConditionFailed:
            return False
        return True

    def _place(self, family_id: str) -> tuple[Table, Key]:
        if len(family_id) == _ID_LENGTH:
            return self._former, {"pk": f"FAMILY#{family_id}", "sk": "FAMILY"}
        return self._table, _key(family_id)


def _partition(user_id: str) -> str:
    return f"SESSIONS#{user_id}"


def _key(family_id: str) -> Key:
    user_id, session_id = family_id[:_ID_LENGTH], family_id[_ID_LENGTH:]
    return {"pk": _partition(user_id), "sk": f"SESSION#{session_id}"}


def _family(item: Item) -> Family:
    user_id, session_id = (item[name].partition("#")[2] for name in ("pk", "sk"))
    id_ = user_id + session_id
    return from_item(Family, item, id=id_, user_id=user_id, expires_at=item["ttl"])
