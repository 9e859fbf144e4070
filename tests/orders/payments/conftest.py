"""A Stripe for the tests: localstripe behind our proxy."""

from collections.abc import Iterator

import pytest

from tools.local import processes, stripe
from tools.local.places import LOCALSTRIPE_PYTHON


@pytest.fixture(scope="session")
def stripe_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if not LOCALSTRIPE_PYTHON.exists():
        pytest.skip("localstripe is not installed: `make setup` installs it")
    port, pids = processes.free_port(), dict[str, int]()
    try:
        stripe.start(port, tmp_path_factory.mktemp("stripe"), pids.__setitem__)
        yield stripe.address(port)
    finally:
        for name, pid in pids.items():
            processes.end(pid, name)
