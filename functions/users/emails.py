"""E-mail addresses: which ones are valid, and which two are the same.

Own code, because email-validator imports dnspython, 24 ms of a cold start. ASCII only, because SES
sends to no other (an international domain is written in its `xn--` form).
"""

import re
from typing import Final

from shared.personal import is_erased_email

LONGEST: Final = 254  # RFC 5321, section 4.5.3.1.3, without the angle brackets
_LONGEST_LOCAL: Final = 64
_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# For the API's document. It ignores the lengths of the parts, and allows blanks round the address.
PATTERN: Final = (
    rf"^\s*{_ATOM}(\.{_ATOM})*@({_LABEL}\.)+[A-Za-z][A-Za-z0-9-]{{0,61}}[A-Za-z0-9]\s*$"
)
_ADDRESS: Final = re.compile(
    rf"(?P<local>{_ATOM}(?:\.{_ATOM})*)@(?:{_LABEL}\.)+[A-Za-z](?:[A-Za-z0-9-]{{0,61}}[A-Za-z0-9])"
)


def parse(text: str) -> str:
    """The address in `text`, without blanks round it.

    Raises:
        ValueError: no mail could be sent to it.
    """
    address = text.strip()
    match = _ADDRESS.fullmatch(address)
    is_valid = (
        match is not None and len(address) <= LONGEST and len(match["local"]) <= _LONGEST_LOCAL
    )
    # Addresses of erased accounts cannot be registered.
    if not is_valid or is_erased_email(normalised(address)):
        raise ValueError("must be an e-mail address, such as alice@example.com")
    return address


def normalised(address: str) -> str:
    """The form in which two addresses of the same account are equal."""
    return address.strip().casefold()
