"""The URLs of e-mails' links, whose tokens are decrypted by the KMS key MailKey."""

from base64 import b64decode
from collections.abc import Callable
from typing import TYPE_CHECKING

from notifications.emails.models import Link

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient


class KmsLinks:
    """Makes URLs of the shop's pages.

    Args:
        kms: returns the client; called for the first link, because most e-mails have none.
        shop_url: where the shop's pages are, without a slash at its end.
    """

    def __init__(self, kms: Callable[[], "KMSClient"], *, key_id: str, shop_url: str) -> None:
        self._kms = kms
        self._key_id = key_id
        self._shop_url = shop_url

    def url(self, link: Link) -> str:
        decrypted = self._kms().decrypt(
            KeyId=self._key_id,
            CiphertextBlob=b64decode(link.sealed_token, validate=True),
            EncryptionContext={"user_id": link.user_id},
        )
        return f"{self._shop_url}/{link.page}?token={decrypted['Plaintext'].decode()}"
