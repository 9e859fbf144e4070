"""What a change of the libraries raises when it fits no more. docs/cold-starts.md explains all
changes."""


class LibraryChanged(Exception):
    """A library differs from what a change expects, usually after an upgrade.

    Args:
        change: the change, by its module's name.
    """

    def __init__(self, change: str, path: str, difference: str) -> None:
        super().__init__(
            f"{path} {difference}: correct tools/layer/{change}.py (see docs/cold-starts.md), "
            "or build with LAYER=plain until then."
        )
