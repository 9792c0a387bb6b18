"""The machine that the measurements run on."""

import os
import platform
import re
import time
from pathlib import Path

# Instruction sets by which the contenders choose their kernels, the widest last.
INSTRUCTION_SETS = [
    "avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512_vnni", "avx512_bf16", "amx_tile", "asimd", "sve",
]


def core_count():
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


def _cpu(field):
    match = re.search(rf"^{field}\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return match[1] if match else ""


def instruction_sets():
    flags = (_cpu("flags") or _cpu("Features")).split()
    return [name for name in INSTRUCTION_SETS if name in flags]


def busy_share(seconds=0.5):
    """CPU utilisation over `seconds`. Call it while no contender runs, to see the load from other processes."""
    def times():
        fields = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
        return sum(fields), fields[3] + fields[4]  # total; idle + iowait

    all_before, idle_before = times()
    time.sleep(seconds)
    all_after, idle_after = times()
    return 1 - (idle_after - idle_before) / max(1, all_after - all_before)


def describe_cpu():
    """The CPU's name, which tells its family and model where the name itself does not."""
    family = f" (family {_cpu('cpu family')}, model {_cpu('model')})" if _cpu("cpu family") else ""
    return (_cpu("model name") or platform.machine()) + family


def describe():
    """The CPU, its cores and instruction sets, memory and operating system, in one line."""
    memory = int(re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())[1]) / 2**20
    system = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    return (
        f"{describe_cpu()}, {core_count()} cores, {' '.join(instruction_sets())}, "
        f"{memory:.0f} GiB, {system}"
    )
