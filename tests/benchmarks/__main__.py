"""`make bench`: run the workloads, write build/bench.json, print a table. `W=W1` runs one.

W1 and W3 run unasked; the others take long or need PostgreSQL, and run when they are named.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.history import history
from benchmarks.recorder import recorder
from benchmarks.replay import replay
from benchmarks.send_now import send_now
from benchmarks.workloads import w1, w3

REPORT = Path(__file__).parents[2] / "build" / "bench.json"
UNASKED = ("W1", "W3")
# Each gives what it adds to the report, under its own name; W1 adds the yardstick beside it.
WORKLOADS: Mapping[str, Callable[[], dict[str, Any]]] = {
    "W1": w1,
    "W3": lambda: {"W3": w3()},
    "send-now": lambda: {"send-now": send_now()},
    "history": lambda: {"history": history()},
    "replay": lambda: {"replay": replay()},
    "recorder": lambda: {"recorder": recorder()},
}


def main() -> None:
    """Measure what was asked for and report it."""
    asked = sys.argv[1:] or list(UNASKED)
    if unknown := set(asked) - WORKLOADS.keys():
        known = ", ".join(WORKLOADS)
        sys.exit(f"no workload {', '.join(sorted(unknown))}; there are {known}")
    report: dict[str, Any] = {}
    if REPORT.exists():
        report = json.loads(REPORT.read_text(encoding="utf-8"))
    for name in asked:
        report |= WORKLOADS[name]()
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    _print(report)


def _print(report: dict[str, Any]) -> None:
    if "W1" in report:
        w1_report = report["W1"]
        print(f"yardstick            {report['yardstick_posts_per_s']:>8,} POSTs/s")
        print(f"W1 fan-out 10        {w1_report['deliveries_per_s']:>8,} deliveries/s")
        print(f"   ratio             {w1_report['ratio']:>8} of the yardstick")
        for name, figure in w1_report["cpu_us_per_delivery_by_process"].items():
            print(f"   CPU {name:<14}{figure:>8} µs a delivery")
    for rate, figures in report.get("W3", {}).items():
        print(f"W3 {rate:<18}{figures['p50_ms']:>8} ms p50, {figures['p99_ms']} ms p99")
    for name in report.keys() & (WORKLOADS.keys() - UNASKED):
        print(f"{name}: {json.dumps(report[name], indent=2)}")
    print(f"written to {REPORT.relative_to(REPORT.parents[1])}")


if __name__ == "__main__":
    main()
