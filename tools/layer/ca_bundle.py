"""The certificate authorities that the SDK trusts: of Mozilla's 126, the five that sign for AWS.

The bundle is read again for each new connection, all of it. The five are Amazon Trust Services' roots, one of which ends
every chain of an AWS service (https://www.amazontrust.com/repository/). `AWS_CA_BUNDLE` still names another file where a
proxy signs.
"""

import re
from pathlib import Path
from typing import Final

ROOTS: Final = (
    "Amazon Root CA 1",
    "Amazon Root CA 2",
    "Amazon Root CA 3",
    "Amazon Root CA 4",
    "Starfield Services Root Certificate Authority - G2",
)
_CERTIFICATE: Final = re.compile(
    r'# Label: "(?P<label>[^"]+)".*?(?P<pem>-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n)',
    re.DOTALL,
)


def prune(bundle: Path) -> None:
    """Leave the five.

    Raises:
        ValueError: not each of them is there once.
    """
    found = [(match["label"], match["pem"]) for match in _CERTIFICATE.finditer(bundle.read_text())]
    kept = [(label, pem) for label, pem in found if label in ROOTS]
    if sorted(label for label, _ in kept) != sorted(ROOTS):
        raise ValueError(f"{bundle.name} has {[label for label, _ in kept]}, not {ROOTS}")
    bundle.unlink()
    bundle.write_text("".join(f"# {label}\n{pem}" for label, pem in kept))
