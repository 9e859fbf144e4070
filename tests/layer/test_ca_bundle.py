"""The SDK in the layer trusts Amazon's certificate authorities, and nobody else."""

import shutil
import ssl
from pathlib import Path

import botocore
import pytest

from tools.layer import ca_bundle

_SHIPPED_WITH_THE_SDK = Path(botocore.__file__).parent / "cacert.pem"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    copied = tmp_path / "cacert.pem"
    shutil.copyfile(_SHIPPED_WITH_THE_SDK, copied)
    return copied


def _trusted(bundle: Path) -> list[str]:
    """The common names of those whom a TLS client trusts that reads the bundle."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(bundle)
    names = [dict(part[0] for part in authority["subject"]) for authority in context.get_ca_certs()]  # type: ignore[misc]  # typeshed: or a string
    return [name["commonName"] for name in names]


def test_the_pruned_bundle_holds_the_five_roots_that_sign_for_aws(bundle: Path) -> None:
    ca_bundle.prune(bundle)

    assert sorted(_trusted(bundle)) == sorted(ca_bundle.ROOTS)


def test_each_of_them_is_the_certificate_that_the_sdk_ships(bundle: Path) -> None:
    ca_bundle.prune(bundle)

    shipped = _SHIPPED_WITH_THE_SDK.read_text()
    certificates = bundle.read_text().split("# ")[1:]
    assert len(certificates) == 5
    assert all(certificate.partition("\n")[2] in shipped for certificate in certificates)


def test_a_bundle_without_one_of_them_stops_the_build(bundle: Path) -> None:
    bundle.write_text(bundle.read_text().replace("Amazon Root CA 3", "Amazon Root CA 33"))

    with pytest.raises(ValueError, match="Amazon Root CA 4"):
        ca_bundle.prune(bundle)
