"""Attempts at passwords, and the sources that are trusted."""

from shared.storage.dynamodb import ConditionFailed, Item, Key, Table
from users.login_throttle.models import Attempts


class AttemptRepository:
    """The `AttemptLog` port."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def count(
        self, pair: str, before: Attempts, after: Attempts, *, until: int
    ) -> tuple[bool, Attempts]:
        condition, expected = "attribute_not_exists(#last_at)", {}
        if before.last_at:
            condition = "#count = :counted AND #last_at = :last"
            expected = {"counted": before.count, "last": before.last_at}
        try:
            item = self._table.update(
                _pair_key(pair),
                "SET #count = :count, #last_at = :at, #ttl = :until",
                condition=condition,
                values={"count": after.count, "at": after.last_at, "until": until, **expected},
            )
        except ConditionFailed as cause:
            # Perhaps it was ours, and the SDK has repeated it: then one attempt counts twice.
            return False, _attempts(cause.item or {})
        return True, _attempts(item)

    def give_back(self, pair: str) -> None:
        try:
            self._table.update(
                _pair_key(pair),
                "ADD #count :less",
                condition="#count > :none",
                values={"less": -1, "none": 0},
            )
        except ConditionFailed:
            return  # it was forgiven meanwhile

    def trust(self, pair: str, *, until: int) -> None:
        self._table.update(
            _pair_key(pair),
            "SET #trusted_until = :until, #ttl = :until REMOVE #count, #last_at",
            values={"until": until},
        )

    def count_source(
        self, source: str, hour: int, *, by: int, below: int | None, until: int
    ) -> bool:
        try:
            self._table.update(
                {"pk": f"ATTEMPTS#{source}", "sk": f"HOUR#{hour}"},
                "ADD #count :by SET #ttl = :until",
                condition="attribute_not_exists(#count) OR #count < :below" if below else None,
                values={"by": by, "until": until, **({"below": below} if below else {})},
            )
        except ConditionFailed:
            return False
        return True


def _pair_key(pair: str) -> Key:
    return {"pk": f"ATTEMPTS#{pair}", "sk": "PAIR"}


def _attempts(item: Item) -> Attempts:
    return Attempts(item.get("count", 0), item.get("last_at", 0), item.get("trusted_until", 0))
