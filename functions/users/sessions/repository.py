"""Families of refresh tokens."""

from shared.storage.dynamodb import ConditionFailed, Key, Table
from users.sessions.errors import TokenSuperseded
from users.sessions.models import Family


class FamilyRepository:
    """The `Families` port."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def add(self, family: Family) -> None:
        self._table.put(
            {
                **_family_key(family.id),
                "user_id": family.user_id,
                "session_epoch": family.session_epoch,
                "digest": family.digest,
                "key": family.key,
                "ttl": family.expires_at,
            }
        )

    def find(self, family_id: str) -> Family | None:
        item = self._table.get(_family_key(family_id))
        if item is None:
            return None
        return Family(
            id=family_id,
            user_id=item["user_id"],
            session_epoch=item["session_epoch"],
            digest=item["digest"],
            expires_at=item["ttl"],
            key=item["key"],
        )

    def rotate(self, family_id: str, *, old: str, new: str) -> None:
        try:
            self._table.update(
                _family_key(family_id),
                "SET #digest = :new",
                condition="#digest = :old",
                values={"old": old, "new": new},
            )
        except ConditionFailed as cause:
            # The SDK repeats a write whose answer was lost: then the new digest is there already, and it is ours.
            if cause.item is None or cause.item["digest"] != new:
                raise TokenSuperseded from cause

    def end(self, family_id: str) -> None:
        self._table.delete(_family_key(family_id))


def _family_key(family_id: str) -> Key:
    return {"pk": f"FAMILY#{family_id}", "sk": "FAMILY"}
