"""What the emulator cannot read of the built template, as named transformations: the template itself is written for AWS.

Each transformation changes the template of `.aws-sam/local` in place, between `sam build` and the deployment into the
emulator. Nothing else of the local shop differs from the cloud's template.
"""

from collections.abc import Callable
from typing import Any, Final

type Template = dict[str, Any]
"""A built template: intrinsic functions in their long forms."""

TRANSFORMATIONS: Final[tuple[Callable[[Template], None], ...]] = ()


def adapt(template: Template) -> None:
    """Apply every transformation, in the order of the list."""
    for transform in TRANSFORMATIONS:
        transform(template)
