"""Whether the benchmark notices that its machine is busy."""

import os
import subprocess
import sys
import time

import pytest

from bench.quiet import Machine, Used, steadiness

_QUIET = Used(wall=10, busy=8.2, own=8.0, stolen=0.1)


def test_quiet_machine_raises_no_complaint() -> None:
    machine = Machine(loops=[0.010] * 19 + [0.011, 0.2], sections={"cold": _QUIET})
    assert machine.complaints() == []
    assert "quiet" in machine.verdict()


@pytest.mark.parametrize(
    ("machine", "said"),
    [
        (Machine(loops=[0.010] * 10 + [0.014] * 10, sections={}), "1.40 times"),
        (
            Machine(loops=[0.01], sections={"cold": Used(10, busy=10.0, own=8.0, stolen=0)}),
            "cold: other processes used 0.20 processors",
        ),
        (
            Machine(
                loops=[0.01],
                sections={"warm": Used(10, busy=8, own=8, stolen=0.5 * (os.cpu_count() or 1))},
            ),
            "warm: the hypervisor took 5% of the time",
        ),
    ],
)
def test_busy_machine_is_reported_with_its_reason(machine: Machine, said: str) -> None:
    [complaint] = machine.complaints()
    assert said in complaint
    assert "no time" in machine.verdict()


def test_single_pause_of_many_loops_is_forgiven() -> None:
    assert steadiness([1.0] * 39 + [9.0]) == 1.0
    assert steadiness([1.0, 9.0]) == 9.0


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/stat")
def test_time_of_own_processes_is_not_that_of_others() -> None:
    before = Used.now()
    burn = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
    subprocess.run((sys.executable, "-c", burn), check=True)
    started = time.process_time()
    while time.process_time() - started < 0.2:
        pass
    used = Used.now().since(before)
    assert used.own >= 0.45
    assert used.busy >= used.own - 0.1  # both are counted in ticks
