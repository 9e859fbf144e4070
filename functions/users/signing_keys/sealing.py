"""Encrypts the secrets of signing keys."""

from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

_OTHER_KEY: Final = ("IncorrectKeyException", "InvalidCiphertextException")


class KmsSecretSealer:
    """Implements `SecretSealer` by a symmetric KMS key that encrypts other things as well. Policies
    tell them apart by the names in the encryption context: only UsersApi may use this one."""

    def __init__(self, kms: "KMSClient", key_id: str) -> None:
        self._kms = kms
        self._key_id = key_id

    def seal(self, secret: bytes, *, kid: str) -> str:
        answer = self._kms.encrypt(
            KeyId=self._key_id, Plaintext=secret, EncryptionContext=_context(kid)
        )
        return b64encode(answer["CiphertextBlob"]).decode()

    def open(self, sealed: str, *, kid: str) -> bytes | None:
        try:
            answer = self._kms.decrypt(
                KeyId=self._key_id,
                CiphertextBlob=b64decode(sealed, validate=True),
                EncryptionContext=_context(kid),
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in _OTHER_KEY:
                return None
            raise
        return answer["Plaintext"]


def _context(kid: str) -> dict[str, str]:
    return {"signing_key": kid}
