"""Checks the types of web/, with those of the API from its own document."""

import subprocess
import sys

from tools.clients import make_typescript
from tools.environments import NODE
from tools.local.places import ROOT
from tools.progress import exit_code


def main() -> bool:
    make_typescript()
    tsc = NODE / "node_modules/typescript/bin/tsc"
    command = (NODE / "bin/node", tsc, "--project", "web/jsconfig.json")
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(exit_code(main))
