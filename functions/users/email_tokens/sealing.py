"""Encrypts one-time tokens on their way to the writer of e-mails."""

from base64 import b64encode
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient


class KmsSealer:
    """Implements `Sealer` by a symmetric KMS key.

    The user's id is the encryption context: an event that was copied to another user cannot be
    decrypted.
    """

    def __init__(self, kms: "KMSClient", key_id: str) -> None:
        self._kms = kms
        self._key_id = key_id

    def seal(self, text: str, *, user_id: str) -> str:
        answer = self._kms.encrypt(
            KeyId=self._key_id,
            Plaintext=text.encode(),
            EncryptionContext={"user_id": user_id},
        )
        return b64encode(answer["CiphertextBlob"]).decode()
