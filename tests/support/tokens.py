"""Access tokens signed by a KMS key, for tests of whole graphs whose verifier is the real one."""

import json
import time
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from shared.auth import jws
from shared.auth.tokens import ALGORITHM, AUDIENCE, LIFETIME_SECONDS, TYPE, Caller, keys_from_kms

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient


def mint(kms: "KMSClient", key_id: str, caller: Caller, issuer: str) -> str:
    """A token as UsersApi would give it to the caller."""
    [key] = keys_from_kms(kms, key_id)()
    now = int(time.time())
    claims = {
        "iss": issuer,
        "aud": AUDIENCE,
        "exp": now + LIFETIME_SECONDS,
        "iat": now,
        "jti": "token-1",
        "sub": caller.id,
        "role": caller.role,
    }
    header = {"alg": ALGORITHM, "typ": TYPE, "kid": key.kid}
    message = ".".join(jws.encoded(json.dumps(part).encode()) for part in (header, claims))
    answer = kms.sign(KeyId=key_id, Message=message.encode(), SigningAlgorithm="ECDSA_SHA_256")
    r, s = decode_dss_signature(answer["Signature"])
    return f"{message}.{jws.encoded(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"
