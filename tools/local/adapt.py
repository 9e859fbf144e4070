"""What the emulator cannot read of the built template, as named transformations: the template itself is written for AWS.

Each transformation changes the template of `.aws-sam/local` in place, between `sam build` and the deployment into the
emulator. Nothing else of the local shop differs from the cloud's template.
"""

from collections.abc import Callable
from typing import Any, Final

type Template = dict[str, Any]
"""A built template: intrinsic functions in their long forms."""

BATCH_PUBLISHING: Final = "sns:PublishBatch"
"""An action that only the emulator knows."""


def name_batch_publishing(template: Template) -> None:
    """AWS checks the call `PublishBatch` as `sns:Publish`, the emulator as an action of its own."""
    for resource in template["Resources"].values():
        for policy in resource.get("Properties", {}).get("Policies", ()):
            for statement in policy.get("Statement", ()) if isinstance(policy, dict) else ():
                if statement["Action"] == "sns:Publish":
                    statement["Action"] = ["sns:Publish", BATCH_PUBLISHING]


TRANSFORMATIONS: Final[tuple[Callable[[Template], None], ...]] = (name_batch_publishing,)


def adapt(template: Template) -> None:
    """Apply every transformation, in the order of the list."""
    for transform in TRANSFORMATIONS:
        transform(template)
