"""Where the time goes: samples of the deliverer and the matcher while W1 runs, by function.

Needs py-spy beside the interpreter or on the path (`pip install py-spy`), and the right to look
into one's own processes; where it is missing the workload says so and is left out.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.rates import LINGER_MS, WARM_UP_DELIVERIES, publish_and_wait
from benchmarks.receivers import nginx
from benchmarks.scale import say, scaled
from benchmarks.stack import Stack, stack

SERVICES, WIDTH, SHOWN = ("matcher", "deliverer"), 10, 25
# A function is one thing, whichever of its lines was met.
LINE = re.compile(r":\d+\)$")
DELIVERIES, SAMPLED_S, SAMPLES_PER_S = 200_000, 8, 200


def profile() -> dict[str, Any]:
    """Sample who holds the interpreter, native frames too; each function's share of the samples."""
    beside = shutil.which("py-spy", path=str(Path(sys.executable).parent))
    py_spy = beside or shutil.which("py-spy")
    if py_spy is None:
        say("SKIPPED profile: there is no py-spy")
        return {"skipped": "there is no py-spy"}
    with nginx() as receiver, stack(linger_ms=LINGER_MS) as running:
        running.create_endpoints([f"{receiver.url}/hook/{i}" for i in range(WIDTH)])
        say("warming up")
        publish_and_wait(running, receiver, events=scaled(WARM_UP_DELIVERIES / WIDTH), width=WIDTH)
        running.recorder_catches_up()
        say("sampling")
        with tempfile.TemporaryDirectory() as folder:
            children = [_start(py_spy, running, name, Path(folder)) for name in SERVICES]
            events = scaled(DELIVERIES / WIDTH, least=10)
            publish_and_wait(running, receiver, events=events, width=WIDTH)
            for child in children:
                child.wait(60)
            return {name: _shares(Path(folder) / name) for name in SERVICES}


def _start(py_spy: str, running: Stack, name: str, folder: Path) -> subprocess.Popen[bytes]:
    options = ["--duration", str(SAMPLED_S), "--rate", str(SAMPLES_PER_S), "--format", "raw"]
    options += [
        "--gil",
        "--native",
        "--output",
        str(folder / name),
        "--pid",
        str(running.pids[name]),
    ]
    return subprocess.Popen(
        [py_spy, "record", *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _shares(path: Path) -> list[dict[str, Any]]:
    """Give the functions in which most samples ended, and their share in percent."""
    if not path.exists():
        return []
    ends: Counter[str] = Counter()
    for line in path.read_text(encoding="utf-8").splitlines():
        stack_text, _, count = line.rpartition(" ")
        ends[LINE.sub(")", stack_text.rpartition(";")[2])] += int(count)
    total = sum(ends.values()) or 1
    return [
        {"function": name, "percent": round(count / total * 100, 1)}
        for name, count in ends.most_common(SHOWN)
    ]
