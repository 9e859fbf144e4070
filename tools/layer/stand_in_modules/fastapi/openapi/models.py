"""FastAPI makes forty classes of OpenAPI's document here. Ours is made when the shop is built; its
own is never."""

from typing import Any


class _LeftOut:
    """FastAPI makes one as a default value of a class for OAuth2, which we don't use."""

    def __init__(self, *_: object, **__: object) -> None:
        """As the model that it stands for, which would have checked its arguments."""


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return type(name, (_LeftOut,), {})
