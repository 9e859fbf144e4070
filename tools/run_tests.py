"""`make test`: all tests in two halves at once, those that need a stack of their own and the others.

Each half keeps about one core busy. The second one's output waits until the first one's is complete.
"""

import signal
import subprocess
import sys
import tempfile
from typing import Final

from tools.local.places import APP_PYTHON, ROOT

_STACK: Final = "tests/stack"


def main() -> int:
    colour = ("--color=yes",) if sys.stdout.isatty() else ()
    pytest = (APP_PYTHON, "-m", "pytest", *colour)
    print("▸ pytest, in two halves: without a stack, and on one of its own (its output follows)")
    sys.stdout.flush()
    with tempfile.TemporaryFile() as kept:
        behind = subprocess.Popen((*pytest, _STACK), cwd=ROOT, stdout=kept, stderr=kept)
        try:
            ended = subprocess.run((*pytest, f"--ignore={_STACK}"), cwd=ROOT, check=False)
            print(f"\n▸ waiting for {_STACK}", flush=True)
            behind.wait()
        finally:
            if behind.poll() is None:
                # As Ctrl-C does, so that it closes its shop.
                behind.send_signal(signal.SIGINT)
                behind.wait()
        kept.seek(0)
        sys.stdout.buffer.write(kept.read())
    return ended.returncode or behind.returncode


if __name__ == "__main__":
    sys.exit(main())
