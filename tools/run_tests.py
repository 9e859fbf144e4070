"""`make test`: all tests. Those of the stack run beside the others, because they wait for the
emulator most of the time.

Their output follows when the others have ended.
"""

import signal
import subprocess
import sys
import tempfile
from typing import Final

from tools.local.places import APP_PYTHON, ROOT

# One process, as they share a shop.
_STACK: Final = ("tests/stack", "tests/browser")


def main() -> int:
    colour = ("--color=yes",) if sys.stdout.isatty() else ()
    pytest = (APP_PYTHON, "-m", "pytest", "--iam-simulate", *colour)
    # In the order of the folders: by default files with few tests come last, also the longest.
    spread = ("--numprocesses=2", "--dist=loadfile", "--no-loadscope-reorder")
    others = ("tests", *(f"--ignore={folder}" for folder in _STACK), *spread)
    names = " and ".join(_STACK)
    print(f"▸ pytest, {names} in the background", flush=True)
    with tempfile.TemporaryFile() as output:
        stack = subprocess.Popen((*pytest, *_STACK), cwd=ROOT, stdout=output, stderr=output)
        try:
            ended = subprocess.run((*pytest, *others), cwd=ROOT, check=False)
            print(f"\n▸ waiting for {names}", flush=True)
            stack.wait()
        finally:
            if stack.poll() is None:
                # As Ctrl-C does, so that it stops its shop.
                stack.send_signal(signal.SIGINT)
                stack.wait()
        output.seek(0)
        sys.stdout.buffer.write(output.read())
    return ended.returncode or stack.returncode


if __name__ == "__main__":
    sys.exit(main())
