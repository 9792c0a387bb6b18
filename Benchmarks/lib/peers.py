"""The peers (other engines and servers): how they are installed and started."""

import importlib.metadata
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PEERS = ROOT / "Benchmarks/peers"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "alexnet-benchmarks"

# Environment variables that would tune, or slow down, a single contender.
TUNING_VARIABLES = re.compile(r"^(OPENBLAS|OMP|MKL|KMP|GOMP|ONEDNN|DNNL|ATEN|OV|TS|MOSEC|ALEXNET)_")

# Build settings for peers whose default build is slower than need be.
BUILD_SETTINGS = {"pillow-simd": {"CC": "cc -mavx2"}}


def clean_environment(**settings):
    """This process's environment without the tuning variables, and with `settings`."""
    kept = {name: value for name, value in os.environ.items() if not TUNING_VARIABLES.match(name)}
    return kept | settings


class Peer:
    """A folder in peers/ with its requirements.txt, and its virtual environment in the cache."""

    def __init__(self, name):
        self.name = name
        self.folder = PEERS / name
        self.environment = CACHE / "environments" / name
        self.python = self.environment / "bin/python"

    @staticmethod
    def all():
        return [Peer(path.parent.name) for path in sorted(PEERS.glob("*/requirements.txt"))]

    @property
    def is_installed(self):
        stamp = self.environment / "installed.txt"
        return stamp.exists() and stamp.read_text() == (self.folder / "requirements.txt").read_text()

    def install(self):
        """Install the peer; whether that worked. On failure pip prints the reason."""
        settings = clean_environment(**BUILD_SETTINGS.get(self.name, {}))
        requirements = self.folder / "requirements.txt"
        subprocess.run([sys.executable, "-m", "venv", "--clear", self.environment], check=True)
        cache = ["--no-cache-dir"] if self.name in BUILD_SETTINGS else []
        command = [self.python, "-m", "pip", "install", "--quiet", *cache, "-r", requirements]
        if subprocess.run(command, env=settings).returncode != 0:
            return False
        (self.environment / "installed.txt").write_text(requirements.read_text())
        return True

    def command(self, program, *arguments):
        """The command line that runs one of the peer's programs. Exits if the peer is not installed."""
        if not self.is_installed:
            raise SystemExit(
                f"{self.name} is not installed as its requirements say: run Benchmarks/run setup {self.name}")
        return [str(self.python), str(self.folder / program), *map(str, arguments)]

    @staticmethod
    def settings(**more):
        """The environment of a peer's programs."""
        return clean_environment(PYTHONPATH=str(PEERS / "common"), **more)

    def run(self, program, *arguments, **settings):
        """Run one of the peer's programs; its standard output. If it fails, exit with its output."""
        done = subprocess.run(self.command(program, *arguments), env=self.settings(**settings), text=True,
                              capture_output=True)
        if done.returncode != 0:
            raise SystemExit(f"{self.name}/{program} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def versions(self):
        """The installed versions of the packages in requirements.txt."""
        names = [re.match(r"[\w.-]+", line)[0] for line in
                 (self.folder / "requirements.txt").read_text().splitlines() if line and line[0] not in "#-"]
        packages = [str(path) for path in self.environment.glob("lib/python*/site-packages")]
        found = {found.metadata["Name"].lower().replace("_", "-"): found.version
                 for found in importlib.metadata.distributions(path=packages)}
        return {name: found.get(name.lower().replace("_", "-"), "?") for name in names}
