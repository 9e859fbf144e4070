"""What can be wrong with a product or with a change of one."""

from typing import ClassVar

from shared.errors import BodegaError, NotFound


class ProductNotFound(NotFound):
    """The product does not exist."""

    code, title = "product-not-found", "There is no such product"


class VersionConflict(BodegaError):
    """The product is not at the expected version."""

    status, code, title = 412, "version-conflict", "The product has changed meanwhile"
    members: ClassVar = {"version": {"type": "integer", "description": "The one it is at"}}

    def __init__(self, *, version: int) -> None:
        super().__init__(f"The product is at version {version} now.", version=version)


class IdempotencyKeyReused(BodegaError):
    """The caller used the key for another product, or for another change of a product's stock."""

    status, code, title = 422, "idempotency-key-reused", "This key was used for another change"
    pointer = "#/header/Idempotency-Key"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key came with another body before; use a new key.")
