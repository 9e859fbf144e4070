"""SnapStart: what is made anew where Lambda starts an environment from a snapshot of another
(docs/decisions.md, 27).

Every environment of a version begins with the same memory, hours or weeks after it was filled:

- connections of that time are dead, and the first call over one would wait for its time-out;
- `random` goes on from the same state in all of them, so that what it spreads (shards, the waits of
  retries) would meet at one place. `os.urandom`, `secrets` and `uuid4` ask the kernel, which knows
  that it was restored, and so do signing keys and keys of cursors. OpenSSL's generator, in the
  library that signs, does not know: signatures use no random number (users.signing_keys.models);
- times that were noted mean nothing any more. Only health notes one when it is loaded. All else
  that is kept (public keys, circuits, the key of cursors) is kept from AWS's first answer on, and
  no function is given one before the
  snapshot: see tests/shared/runtime/test_snapshots.py. The warm-up sends nothing.

Credentials renew themselves when they are past their time, and an event loop between two requests
has neither timers nor anything to read.
"""

import random

from shared.runtime import aws
from shared.web import health


def register() -> None:
    """Ask Lambda's runtime to call the two below. Their library is the runtime's own, and not in
    the layer."""
    import snapshot_restore_py as runtime

    runtime.register_before_snapshot(before_snapshot)
    runtime.register_after_restore(after_restore)


def before_snapshot() -> None:
    """No connection goes into the snapshot."""
    aws.close_connections()


def after_restore() -> None:
    """Separate the environment from the others that start from its snapshot."""
    random.seed()
    aws.close_connections()
    health.start_clock()
