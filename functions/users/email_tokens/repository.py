"""One-time tokens and counts of e-mails in DynamoDB. An item's `ttl` is when it expires."""

from shared.storage.dynamodb import ConditionFailed, Delete, Key, Put, Table
from shared.storage.items import from_item, to_item
from users.email_tokens.models import EmailToken, Window, digest


class DynamoEmailTokens:
    """Implements `StoredTokens`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def find(self, text: str) -> EmailToken | None:
        found = digest(text)
        item = self._table.get(_key(found))
        if item is None:
            return None
        return from_item(EmailToken, item, digest=found, expires_at=item["ttl"])


class DynamoEmailCounts:
    """Implements `EmailCounts`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def add(self, window: Window) -> bool:
        try:
            self._table.update(
                {"pk": f"EMAILS#{window.key}", "sk": f"FROM#{window.start}"},
                "ADD #count :one SET #ttl = :end",
                condition="attribute_not_exists(#count) OR #count < :most",
                values={"one": 1, "end": window.end, "most": window.most},
            )
        except ConditionFailed:
            return False
        return True


def issuing(token: EmailToken) -> Put:
    """The operation that stores a new token, to be put beside the event that carries it."""
    attributes = to_item(token, omit=("digest", "expires_at"))
    return Put({**_key(token.digest), **attributes, "ttl": token.expires_at})


def spending(token: EmailToken) -> Delete:
    """The operation that uses a token up, to be put beside what it does. It fails if the token was
    used before."""
    return Delete(_key(token.digest), "attribute_exists(#pk)")


def _key(found: str) -> Key:
    return {"pk": f"TOKEN#{found}", "sk": "TOKEN"}
