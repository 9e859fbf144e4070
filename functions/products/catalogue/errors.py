"""What can be wrong with a product or a change of one; the classes above the line reach a client."""

from shared.errors import BodegaError, NotFound, OwnError


class ProductNotFound(NotFound):
    """There is no such product."""

    code, title = "product-not-found", "There is no such product"


class VersionConflict(BodegaError):
    """The product is not at the version that the caller knows. Data: `version`, the one it is at."""

    status, code, title = 412, "version-conflict", "The product has changed meanwhile"

    def __init__(self, *, version: int) -> None:
        super().__init__(f"The product is at version {version} now.", version=version)


class IdempotencyKeyReused(BodegaError):
    """The caller's key belongs to another change of this product's stock."""

    status, code, title = 422, "idempotency-key-reused", "This key was used for another change"
    pointer = "#/header/Idempotency-Key"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key came with another body before; use a new key.")


class Overtaken(OwnError):
    """Somebody else changed what the caller had read; nothing was written. Read again."""
