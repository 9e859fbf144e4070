"""Signing keys in DynamoDB: the public half in KeysTable, the encrypted secret in CredentialsTable.
An item's `ttl` is when no verifier accepts the key any more."""

from shared.auth.public_keys import key_of, published
from shared.storage.dynamodb import Put, Table, TransactionFailed
from shared.storage.items import from_item
from users.signing_keys.models import PublishedKey, SigningKey, stored_until


class DynamoSigningKeys:
    """Implements `StoredKeys`."""

    def __init__(self, keys: Table, credentials: Table) -> None:
        self._keys = keys
        self._credentials = credentials

    def find(self, day: str) -> PublishedKey | None:
        item = self._keys.get(key_of(day))
        return from_item(PublishedKey, item, day=day) if item else None

    def find_sealed(self, key: PublishedKey) -> str | None:
        item = self._credentials.get(key_of(key.day))
        return str(item["sealed"]) if item and item["kid"] == key.kid else None

    def add(
        self, key: SigningKey, sealed: str, *, at: int, instead_of: PublishedKey | None
    ) -> bool:
        both = {**key_of(key.day), "kid": key.kid, "ttl": stored_until(key.day)}
        public = Put(
            {**both, **published(key.public), "made_at": at},
            "#kid = :kid" if instead_of else "attribute_not_exists(#pk)",
            {"kid": instead_of.kid} if instead_of else {},
        )
        try:
            # A secret whose public half was deleted is replaced.
            secret = Put({**both, "sealed": sealed})
            self._keys.transact([public], beside={self._credentials: [secret]})
        except TransactionFailed:
            return False
        return True
