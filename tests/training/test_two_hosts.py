"""torchrun on two hosts, which are network namespaces of this machine, joined by a cable."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import safetensors.torch
import tiny
import torch

from asr.cli import main

pytestmark = pytest.mark.slow
#: Host -> its network namespace, its interface, and its address in a range kept for documentation.
HOSTS = {"a": ("asr-a", "cable-a", "192.0.2.1"), "b": ("asr-b", "cable-b", "192.0.2.2")}
SETTINGS = [*tiny.STILL, "data.batch_s=2", "trainer.save_every_steps=1", "trainer.epochs=12"]


#: What stands here for a namespace is in /etc there, see ip-netns(8).
ETC = Path("/etc/netns")


def write_names(folder: Path) -> None:
    """Let hosts know each other's names; torch asks for the name of each address, and waits."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        "127.0.0.1 localhost",
        *(f"{address} host-{n}" for n, (_, _, address) in HOSTS.items()),
    ]
    (folder / "hosts").write_text("\n".join(lines) + "\n")
    (folder / "resolv.conf").write_text("")


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


@pytest.fixture(scope="module")
def hosts() -> Iterator[None]:
    """Lay a cable between two namespaces."""
    with ExitStack() as stack:
        try:
            for namespace, _, _ in HOSTS.values():
                ip("netns", "add", namespace)
                stack.callback(ip, "netns", "del", namespace)
                stack.callback(shutil.rmtree, ETC / namespace)
                write_names(ETC / namespace)
            (_, one, _), (_, other, _) = HOSTS.values()
            ip("link", "add", one, "type", "veth", "peer", "name", other)
            for namespace, interface, address in HOSTS.values():
                ip("link", "set", interface, "netns", namespace)
                ip("-n", namespace, "addr", "add", f"{address}/24", "dev", interface)
                ip("-n", namespace, "link", "set", interface, "up")
                ip("-n", namespace, "link", "set", "lo", "up")
        except (OSError, subprocess.CalledProcessError) as error:
            pytest.skip(f"network namespaces need iproute2 and root: {error}")
        yield


class Host:
    """One host's torchrun, started by the command that the page shows."""

    def __init__(self, name: str, command: list[str], log: Path) -> None:
        namespace, interface, address = HOSTS[name]
        launch = [
            "--nnodes", "2", "--nproc-per-node", "1", "--max-restarts", "3",
            "--rdzv-backend", "c10d", "--rdzv-endpoint", "host-a:29400",
            "--rdzv-id", "tones", "--rdzv-conf", f"is_host={int(name == 'a')}",
            "--local-addr", address, "-m", "asr",
        ]  # fmt: skip
        with log.open("ab") as written:
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", namespace, sys.executable, "-m", "torch.distributed.run",
                 *launch, *command],
                env=os.environ | {
                    "OMP_NUM_THREADS": "1", "PYTHONPATH": str(tiny.ROOT),
                    "GLOO_SOCKET_IFNAME": interface,
                    # Else the first host tells one that joins later no address to meet at.
                    "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1",
                },
                stdout=written, stderr=written, start_new_session=True, cwd=log.parent,
            )  # fmt: skip

    def worker(self) -> int:
        """The process that trains."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        found = [int(one) for one in children.read_text().split()]
        return next(one for one in found if b"asr" in Path(f"/proc/{one}/cmdline").read_bytes())

    def kill(self) -> None:
        """End the host as a power cut does."""
        workers = [self.worker()] if self.process.poll() is None else []
        os.killpg(self.process.pid, signal.SIGKILL)
        for one in workers:  # torchrun gives each a session of its own
            os.kill(one, signal.SIGKILL)
        self.process.wait()


def wait_for_epoch(run_dir: Path, epoch: int, at_most_s: float = 240) -> None:
    end = time.monotonic() + at_most_s
    metrics = run_dir / "metrics.jsonl"
    while not metrics.exists() or len(metrics.read_text().splitlines()) < epoch:
        assert time.monotonic() < end, f"no epoch {epoch} after {at_most_s} s"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def alone(tones: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of one process on one host, undisturbed."""
    folder = tmp_path_factory.mktemp("alone")
    assert main(tiny.arguments(tones, folder / "run", *SETTINGS)) == 0
    return folder / "run"


@pytest.mark.parametrize("disturbance", ["none", "a worker is killed", "a host is killed"])
def test_two_hosts_end_as_one_does(
    hosts: None, tones: Path, alone: Path, tmp_path: Path, disturbance: str
) -> None:
    run_dir, log = tmp_path / "run", tmp_path / "log"
    command = tiny.arguments(tones, run_dir, *SETTINGS)
    with ExitStack() as stack:

        def start(name: str) -> Host:
            host = Host(name, command, log)
            stack.callback(lambda: host.process.poll() is None and host.kill())
            return host

        both = [start(name) for name in HOSTS]
        if disturbance != "none":
            wait_for_epoch(run_dir, 2)
        if disturbance == "a worker is killed":
            os.kill(both[1].worker(), signal.SIGKILL)
        elif disturbance == "a host is killed":
            both[1].kill()
            time.sleep(2)
            both[1] = start("b")
        statuses = [host.process.wait(300) for host in both]

    said = log.read_text()
    assert statuses == [0, 0], said
    assert "processes: 2" in said
    assert ("resumes at epoch" in said) == (disturbance != "none")
    weights = [safetensors.torch.load_file(run / "last.safetensors") for run in (alone, run_dir)]
    for name, weight in weights[0].items():
        torch.testing.assert_close(weights[1][name], weight, rtol=1e-3, atol=1e-4)
    assert len(tiny.metrics(run_dir)) == 12
