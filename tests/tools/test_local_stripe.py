"""`make run PAYMENTS=stripe STRIPE_KEY=…`; docs/payments.md shows the rest on a shop."""

import os
import subprocess

import pytest

from tools.local.places import APP_PYTHON, ROOT
from tools.local.processes import free_port


@pytest.mark.parametrize("key", ["sk_live_1", "pk_test_1"])
def test_run_refuses_a_key_that_could_take_money(key: str) -> None:
    options = ("--port", str(free_port()), "--payments", "stripe")
    ended = subprocess.run(
        (APP_PYTHON, "-m", "tools.local", "run", *options),
        cwd=ROOT,
        env=os.environ | {"STRIPE_KEY": key},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode
    assert "STRIPE_KEY is no test key" in ended.stderr
    assert key not in ended.stdout + ended.stderr
