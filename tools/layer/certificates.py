"""Change `certificates`: the SDK trusts the certificate authorities of AWS only, 5 of the 126 that
botocore ships.

Each new TLS connection reads all of them. Every certificate of an AWS service is signed by one of
these five (https://www.amazontrust.com/repository/). `AWS_CA_BUNDLE` still names another file where
a proxy signs.
"""

import re
from pathlib import Path
from typing import Final

from tools.layer.changes import LibraryChanged

ROOTS: Final = (
    "Amazon Root CA 1",
    "Amazon Root CA 2",
    "Amazon Root CA 3",
    "Amazon Root CA 4",
    "Starfield Services Root Certificate Authority - G2",
)
_CERTIFICATE: Final = re.compile(
    r'# Label: "(?P<label>[^"]+)".*?'
    r"(?P<pem>-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n)",
    re.DOTALL,
)


def prune(bundle: Path) -> None:
    """Leave the five.

    Raises:
        LibraryChanged: one is missing, or there twice.
    """
    found = [(match["label"], match["pem"]) for match in _CERTIFICATE.finditer(bundle.read_text())]
    kept = [(label, pem) for label, pem in found if label in ROOTS]
    if sorted(label for label, _ in kept) != sorted(ROOTS):
        labels = ", ".join(label for label, _ in kept)
        raise LibraryChanged("certificates", bundle.name, f"has {labels or 'none of ours'}")
    bundle.unlink()  # it may be a link into the installer's cache
    bundle.write_text("".join(f"# {label}\n{pem}" for label, pem in kept))
