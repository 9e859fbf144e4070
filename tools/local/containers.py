"""`make sam-local` and `make sam-invoke`: functions in containers, on a running shop's AWS."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from tools.commands import output
from tools.local import emulator, processes, sam, stack
from tools.local.places import HOST, ROOT, SAM_PYTHON, STATE, architecture
from tools.local.shop import Shop
from tools.progress import Problem, step

_BUILD: Final = ROOT / ".aws-sam/containers"
_VARIABLES: Final = STATE / "env.json"
# With SAM's own Docker library: the docker command may not be there.
_BRIDGE: Final = (
    "import docker; networks = docker.from_env().networks; "
    "print(networks.get('bridge').attrs['IPAM']['Config'][0].get('Gateway', '172.17.0.1'))"
)


def run(shop: Shop, what: list[str], arguments: list[str]) -> None:
    """Run a command of `sam local` until it ends or Ctrl-C.

    Args:
        shop: whose tables, queues and functions the containers use.
        what: the command, with its arguments.
        arguments: more of SAM's own, such as --skip-pull-image.
    """
    bridge = _bridge_address()
    with step("build for containers") as progress:
        if not sam.build_if_changed(shop.folder / "containers.log", _BUILD, architecture()):
            progress.note("nothing changed")
    endpoint = f"http://host.docker.internal:{shop.emulator_port}"
    _write_variables(shop, endpoint)
    # Docker Desktop's containers reach this machine's loopback, those of Linux only the bridge.
    if sys.platform == "linux":
        _forward(bridge, shop.emulator_port)
    print(f"▸ {processes.shown(_VARIABLES)} is written, and SAM takes over\n", flush=True)
    overrides = {**sam.parameters("local"), "Architecture": architecture(), "EndpointUrl": endpoint}
    command: list[str | Path] = [
        SAM_PYTHON,
        *("-m", "samcli", "local", *what),
        *("--template", _BUILD / "template.yaml", "--env-vars", _VARIABLES),
        *("--add-host", "host.docker.internal:host-gateway"),
        *arguments,
        *sam.overriding(overrides),
    ]
    docker = {name: value for name, value in os.environ.items() if name.startswith("DOCKER_")}
    environment = {**shop.environment, **sam.quiet(), **docker}
    # SAM passes its own variables to functions that declare them; this address is another.
    del environment["AWS_ENDPOINT_URL"]
    if _until_interrupted(command, environment):
        raise Problem("sam local ended with an error; the lines above say which.")


def _until_interrupted(command: Sequence[str | Path], environment: Mapping[str, str]) -> int:
    """Run in a session of its own, so that SAM gets one Ctrl-C and stops its containers."""
    process = subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True)
    try:
        return process.wait()
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        process.send_signal(signal.SIGINT)
        process.wait()
        return 0


def _write_variables(shop: Shop, endpoint: str) -> None:
    """SAM gives the functions what this file names and the template declares.

    The endpoint is in it because SAM cannot read the template's `!If` with AWS::NoValue, and would
    leave the variable empty whatever the parameter says. For the same reason containers have no
    layer with faults.
    """
    functions = stack.environment_variables(shop.stack())
    for variables in functions.values():
        variables["AWS_ENDPOINT_URL"] = endpoint
        variables["FAULTS"] = ""
    _VARIABLES.write_text(json.dumps(functions, indent=2))


def _bridge_address() -> str:
    problem = (
        "Docker does not answer: start it (or set DOCKER_HOST), or use `make run` alone, "
        "which needs none."
    )
    return output(problem, SAM_PYTHON, "-c", _BRIDGE).strip()


def _forward(address: str, port: int) -> None:
    """Carry what comes to the bridge's address on to the same port of the loopback."""
    try:
        bridge = socket.create_server((address, port))
    except OSError:
        # Another command of `sam local` may carry it already.
        if emulator.is_healthy(port, address):
            return
        raise Problem(
            f"Port {port} of Docker's bridge {address} is taken: end what listens there."
        ) from None

    async def carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
        sink.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(OSError):
            up_reader, up_writer = await asyncio.open_connection(HOST, port)
            await asyncio.gather(carry(reader, up_writer), carry(up_reader, writer))

    async def forward() -> None:
        server = await asyncio.start_server(connected, sock=bridge)
        await server.serve_forever()

    threading.Thread(target=lambda: asyncio.run(forward()), daemon=True).start()
