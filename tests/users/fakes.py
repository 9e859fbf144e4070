"""Fakes of the users' ports that are not storage."""

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from shared.auth.jws import joined
from shared.auth.public_keys import public_key


class PlainPasswords:
    """Implements `Passwords` without hashing; `compared` are the hashes that were compared."""

    def __init__(self) -> None:
        self.compared: list[str | None] = []

    def hash(self, password: str) -> str:
        return f"hash of {password}"

    def match(self, password_hash: str | None, password: str) -> bool:
        self.compared.append(password_hash)
        return password_hash == f"hash of {password}"


class PlainSealer:
    """Implements `Sealer` without encryption; `sealed` is all that it was given."""

    def __init__(self) -> None:
        self.sealed: list[str] = []

    def seal(self, text: str, *, user_id: str) -> str:
        self.sealed.append(text)
        return f"{user_id}:{text}"

    def opened(self, sealed: str, *, user_id: str) -> str:
        """The text that was sealed for this user."""
        sealed_for, _, text = sealed.partition(":")
        assert sealed_for == user_id
        return text


class LocalSigner:
    """Implements `Signer`, and `Signers`, by a key in memory; `is_away` makes it fail."""

    def __init__(self) -> None:
        self.is_away = False
        self._key = ec.generate_private_key(ec.SECP256R1())
        der = self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.public = public_key(der)

    @property
    def kid(self) -> str:
        return self.public.kid

    def current(self) -> "LocalSigner":
        return self

    def sign(self, message: bytes) -> bytes:
        if self.is_away:
            raise ConnectionError("the key is away")
        return joined(*decode_dss_signature(self._key.sign(message, ec.ECDSA(SHA256()))))
