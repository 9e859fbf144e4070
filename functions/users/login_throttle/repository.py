"""Attempts at passwords in DynamoDB."""

from shared.storage.conflicts import ConcurrentChange
from shared.storage.dynamodb import ConditionFailed, Item, Key, Table
from shared.storage.items import from_item
from users.login_throttle.models import PairAttempts
from users.login_throttle.ports import NotTrusted


class DynamoAttempts:
    """Implements `Attempts`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def count(
        self,
        pair: str,
        before: PairAttempts,
        after: PairAttempts,
        *,
        until: int,
        if_trusted_at: int | None = None,
    ) -> PairAttempts:
        condition, expected = "attribute_not_exists(#last_at)", {}
        if before.last_at:
            condition = "#count = :counted AND #last_at = :last"
            expected = {"counted": before.count, "last": before.last_at}
        if if_trusted_at is not None:
            condition += " AND #trusted_until > :now"
            expected["now"] = if_trusted_at
        try:
            item = self._table.update(
                _pair_key(pair),
                "SET #count = :count, #last_at = :at, #ttl = :until",
                condition=condition,
                values={"count": after.count, "at": after.last_at, "until": until, **expected},
            )
        except ConditionFailed as cause:
            stored = _attempts(cause.item or {})
            if if_trusted_at is not None and stored.trusted_until <= if_trusted_at:
                raise NotTrusted from cause
            # If the SDK repeated a write of ours whose answer was lost, the attempt counts twice.
            raise ConcurrentChange(stored) from cause
        return _attempts(item)

    def withdraw(self, pair: str) -> None:
        try:
            self._table.update(
                _pair_key(pair),
                "ADD #count :less",
                condition="#count > :none",
                values={"less": -1, "none": 0},
            )
        except ConditionFailed:
            return  # a concurrent success has forgotten the attempts

    def trust(self, pair: str, *, until: int) -> None:
        self._table.update(
            _pair_key(pair),
            "SET #trusted_until = :until, #ttl = :until REMOVE #count, #last_at",
            values={"until": until},
        )

    def count_network(
        self, network: str, hour: int, *, by: int, below: int | None, until: int
    ) -> bool:
        try:
            self._table.update(
                {"pk": f"ATTEMPTS#{network}", "sk": f"HOUR#{hour}"},
                "ADD #count :by SET #ttl = :until",
                condition="attribute_not_exists(#count) OR #count < :below" if below else None,
                values={"by": by, "until": until, **({"below": below} if below else {})},
            )
        except ConditionFailed:
            return False
        return True


def _pair_key(pair: str) -> Key:
    return {"pk": f"ATTEMPTS#{pair}", "sk": "PAIR"}


def _attempts(item: Item) -> PairAttempts:
    return from_item(PairAttempts, item)
