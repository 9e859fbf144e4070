"""The form of an Idempotency-Key: 1 to 255 visible ASCII characters, with spaces between them at most."""

from typing import Final

PATTERN: Final = "^[!-~]([ -~]{0,253}[!-~])?$"
