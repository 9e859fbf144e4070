"""What replaces a person's data after their erasure: the same in every
service."""

from typing import Final

ERASED: Final = "Erased"
# RFC 2606 reserves `.invalid`: no mail can be delivered there. `users.emails` takes no address of
# this domain.
ERASED_DOMAIN: Final = "erased.invalid"


def erased_email(user_id: str) -> str:
    """Stands for the address of an erased user."""
    return f"{user_id}@{ERASED_DOMAIN}"


def is_erased_email(address: str) -> bool:
    """Whether the address replaces that of an erased user."""
    return address.endswith(f"@{ERASED_DOMAIN}")
