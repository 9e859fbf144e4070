"""localstripe in its own environment, on the loopback and without files: `python -m
tools.local.localstripe PORT`.
"""

import sys

from aiohttp import web  # type: ignore[import-not-found]  # in its own environment
from localstripe.resources import Store  # type: ignore[import-not-found]
from localstripe.server import app  # type: ignore[import-not-found]

from tools.local.places import HOST

if __name__ == "__main__":
    # It would write all that it stores to /tmp after each request.
    Store.dump_to_disk = lambda _: None
    web.run_app(app, host=HOST, port=int(sys.argv[1]))
