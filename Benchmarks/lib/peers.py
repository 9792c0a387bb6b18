"""The other engines and servers: where they are installed, and how their programs are started."""

import importlib.metadata
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PEERS = ROOT / "Benchmarks/peers"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "alexnet-benchmarks"

# Settings of the shell that would slow one contender down, or tune it behind the reader's back.
TUNING_VARIABLES = re.compile(r"^(OPENBLAS|OMP|MKL|KMP|GOMP|ONEDNN|DNNL|ATEN|OV|TS|MOSEC|ALEXNET)_")

# How a peer wants to be built, where a plain installation would be slower than it can be.
BUILD_SETTINGS = {"pillow-simd": {"CC": "cc -mavx2"}}


def clean_environment(**settings):
    """This process's environment without such settings, and with these."""
    kept = {name: value for name, value in os.environ.items() if not TUNING_VARIABLES.match(name)}
    return kept | settings


class Peer:
    """A folder in peers/ with its requirements, and a virtual environment of that name in the cache."""

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
        """Whether it went well; pip says why not."""
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
        """Its Python with one of its programs; says what to do when it is not installed."""
        if not self.is_installed:
            raise SystemExit(
                f"{self.name} is not installed as its requirements say: run Benchmarks/run setup {self.name}")
        return [str(self.python), str(self.folder / program), *map(str, arguments)]

    @staticmethod
    def settings(**more):
        """The environment in which its programs run."""
        return clean_environment(PYTHONPATH=str(PEERS / "common"), **more)

    def run(self, program, *arguments, **settings):
        """Standard output of one of its programs; a failure ends the benchmark with what it said."""
        done = subprocess.run(self.command(program, *arguments), env=self.settings(**settings), text=True,
                              capture_output=True)
        if done.returncode != 0:
            raise SystemExit(f"{self.name}/{program} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def versions(self):
        """The packages that its requirements name, with their versions as installed."""
        names = [re.match(r"[\w.-]+", line)[0] for line in
                 (self.folder / "requirements.txt").read_text().splitlines() if line and line[0] not in "#-"]
        packages = [str(path) for path in self.environment.glob("lib/python*/site-packages")]
        found = {found.metadata["Name"].lower().replace("_", "-"): found.version
                 for found in importlib.metadata.distributions(path=packages)}
        return {name: found.get(name.lower().replace("_", "-"), "?") for name in names}
