"""Failed attempts, and the sources that are trusted."""

from shared.dynamodb import Key, Table
from users.models import Failures


class AttemptRepository:
    """The `AttemptLog` port."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def failures(self, key: str, window: str) -> Failures:
        item = self._table.get(_attempts_key(key, window))
        return Failures(item["failures"], item["last_at"]) if item else Failures()

    def add_failure(self, key: str, window: str, *, at: int, until: int) -> None:
        self._table.update(
            _attempts_key(key, window),
            "ADD #failures :one SET #last_at = :at, #ttl = :until",
            values={"one": 1, "at": at, "until": until},
        )

    def clear(self, key: str, window: str) -> None:
        self._table.delete(_attempts_key(key, window))

    def trust(self, key: str, *, until: int) -> None:
        self._table.put({**_attempts_key(key, "TRUSTED"), "ttl": until})

    def is_trusted(self, key: str, *, at: int) -> bool:
        item = self._table.get(_attempts_key(key, "TRUSTED"))
        return item is not None and item["ttl"] > at


def _attempts_key(key: str, sort: str) -> Key:
    return {"pk": f"ATTEMPTS#{key}", "sk": sort}
