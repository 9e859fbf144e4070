"""Families of refresh tokens in DynamoDB."""

from shared.storage.conflicts import ConcurrentChange
from shared.storage.dynamodb import ConditionFailed, Key, Table
from shared.storage.items import from_item, to_item
from users.sessions.models import Family


class DynamoFamilies:
    """Implements `Families`. An item's `ttl` is the family's `expires_at`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def add(self, family: Family) -> None:
        attributes = to_item(family, omit=("id", "expires_at"))
        self._table.put({**_key(family.id), **attributes, "ttl": family.expires_at})

    def find(self, family_id: str) -> Family | None:
        item = self._table.get(_key(family_id))
        if item is None:
            return None
        return from_item(Family, item, id=family_id, expires_at=item["ttl"])

    def rotate(self, family_id: str, *, old: str, new: str) -> None:
        try:
            self._table.update(
                _key(family_id),
                "SET #digest = :new",
                condition="#digest = :old",
                values={"old": old, "new": new},
            )
        except ConditionFailed as cause:
            # The SDK repeats a write whose answer was lost: the new digest is stored already then.
            if cause.item is None or cause.item["digest"] != new:
                raise ConcurrentChange from cause

    def end(self, family_id: str) -> None:
        self._table.delete(_key(family_id))


def _key(family_id: str) -> Key:
    return {"pk": f"FAMILY#{family_id}", "sk": "FAMILY"}
