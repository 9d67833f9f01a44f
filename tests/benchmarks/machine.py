"""Where and when figures were measured, and what processes used: read from the system itself."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.scale import SCALE

CLOCK_TICKS_S = os.sysconf("SC_CLK_TCK")


def measured() -> dict[str, Any]:
    """Say when and on which machine a workload ran, and how large it was."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "scale": SCALE,
        "machine": {
            "cpu": _line_of("/proc/cpuinfo", "model name") or platform.processor(),
            "cores": os.cpu_count(),
            "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9),
            "system": f"{platform.system()} {platform.release()}",
            "python": platform.python_version(),
        },
    }


def _line_of(path: str, name: str) -> str:
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        if line.startswith(name):
            return line.partition(":")[2].strip()
    return ""


def cpu_seconds(pid: int) -> float:
    """Give the CPU time that a process has used so far; 0 of one that is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return 0.0
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS_S


def resident_mb(pid: int, *, peak: bool = False) -> float:
    """Give a process's resident memory in MB, now or at its highest; 0 of one that is gone."""
    try:
        text = _line_of(f"/proc/{pid}/status", "VmHWM" if peak else "VmRSS")
    except FileNotFoundError:
        return 0.0
    return int(text.split()[0]) * 1024 / 1e6 if text else 0.0


def children(pid: int) -> list[int]:
    """Give the processes that this one started."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in path.read_text(encoding="utf-8").split()]


def used(before: Mapping[str, float], after: Mapping[str, float], count: int) -> dict[str, float]:
    """Give the µs of CPU that each process used for one of so many deliveries."""
    return {
        name: round((after[name] - before.get(name, 0.0)) / count * 1e6, 1)
        for name in after
        if after[name] >= before.get(name, 0.0)
    }
