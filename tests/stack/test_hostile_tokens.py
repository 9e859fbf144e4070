"""The deployed services believe no token that is not ours; all of them are tried in tests/shared/auth/test_tokens.py."""

import jwt
import pytest

from shared.auth.tokens import keys_from_kms
from tests.shared.auth.forging import Forge
from tests.shared.auth.hostile_tokens import hostile
from tests.support.callers import PLACES
from tests.support.client import Client, code
from tests.support.cloud import Cloud
from users.sessions.access_tokens import KmsSigner

# One of each kind.
SAMPLE = (
    "alg 'none' and no signature",
    "HS256 with PEM",
    "a foreign key under our key id",
    "'jwk' and a foreign key",
    "'exp' twice in the claims, good last",
    "a life of 3600 s",
)


@pytest.fixture
def forge(cloud: Cloud, customer: Client) -> Forge:
    """What signs with the shop's own key, which nobody outside can."""
    kms, key_id = cloud.client("kms"), cloud.physical_id("TokenKey")
    [key] = keys_from_kms(kms, key_id)()
    said = jwt.decode(customer.token or "", options={"verify_signature": False})
    signer = KmsSigner(kms, key_id, kid=lambda: key.kid)
    return Forge(key, signer.sign, issuer=said["iss"], subject=said["sub"])


def test_no_service_believes_a_hostile_token(forge: Forge, anyone: Client) -> None:
    good, tokens = forge.token(), hostile(forge)
    for method, path in PLACES.values():

        def ask(token: str, method: str = method, path: str = path) -> tuple[int, str]:
            answer = anyone.request(method, path, headers={"Authorization": f"Bearer {token}"})
            return answer.status_code, code(answer) if answer.status_code == 401 else ""

        assert ask(good)[0] in (200, 403)
        assert [ask(tokens[name]) for name in SAMPLE] == [(401, "unauthenticated")] * len(SAMPLE)
