"""One-time tokens in DynamoDB. An item's `ttl` is the token's `expires_at`."""

from shared.storage.dynamodb import Delete, Key, Put, Table
from shared.storage.items import from_item, to_item
from users.email_tokens.models import EmailToken, digest


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
