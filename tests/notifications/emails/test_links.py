"""The URLs of e-mails' links, with tokens that KMS has encrypted."""

from base64 import b64encode

import pytest
from botocore.exceptions import ClientError

from notifications.emails.links import KmsLinks
from notifications.emails.models import Link
from shared.runtime import aws


@pytest.mark.usefixtures("account")
def test_url_has_the_decrypted_token() -> None:
    kms = aws.client("kms")
    key_id = kms.create_key()["KeyMetadata"]["KeyId"]
    encrypted = kms.encrypt(
        KeyId=key_id, Plaintext=b"token-7", EncryptionContext={"user_id": "alice-1"}
    )
    sealed = b64encode(encrypted["CiphertextBlob"]).decode()
    links = KmsLinks(lambda: kms, key_id=key_id, shop_url="https://shop.test/pages")
    assert (
        links.url(Link("reset", "alice-1", sealed)) == "https://shop.test/pages/reset?token=token-7"
    )
    # A token that was made for another account.
    with pytest.raises(ClientError, match="InvalidCiphertext"):
        links.url(Link("reset", "bob-1", sealed))
