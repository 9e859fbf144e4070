"""`make browser`: the Chromium of tests/browser, from Debian's or Ubuntu's own packages."""

import os
import shutil
import sys
from typing import Final

from tools.commands import output
from tools.progress import Problem, exit_code, step

_PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_APT: Final = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}


def executable() -> str | None:
    """This machine's Chromium or Chrome."""
    return next(filter(None, map(shutil.which, _PROGRAMS)), None)


def main() -> None:
    with step("browser") as progress:
        if found := executable():
            progress.note(f"{found} is here")
            return
        apt = shutil.which("apt-get")
        if not apt or os.geteuid():
            raise Problem(
                "There is no Chromium or Chrome here, and without one tests/browser is skipped. "
                "Only root can install one, with apt-get: `sudo make browser`, or install a "
                "browser as you like."
            )
        failed = "Chromium could not be installed, and without it tests/browser is skipped:"
        output(failed, apt, "update", env=_APT)
        output(failed, apt, "install", "--yes", "--no-install-recommends", "chromium", env=_APT)
        progress.note("apt-get install chromium")


if __name__ == "__main__":
    sys.exit(exit_code(main))
