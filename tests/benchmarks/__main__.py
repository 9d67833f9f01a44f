"""`make bench`: run the workloads, write build/bench.json, print a table. `W=W1` runs one."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.workloads import w1, w3

REPORT = Path(__file__).parents[2] / "build" / "bench.json"


def main() -> None:
    """Measure what was asked for and report it."""
    asked = set(sys.argv[1:]) or {"W1", "W3"}
    if unknown := asked - {"W1", "W3"}:
        sys.exit(f"no workload {', '.join(sorted(unknown))}; there are W1 and W3")
    report: dict[str, Any] = {}
    if REPORT.exists():
        report = json.loads(REPORT.read_text(encoding="utf-8"))
    if "W1" in asked:
        report |= w1()
    if "W3" in asked:
        report["W3"] = w3()
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
    print(f"written to {REPORT.relative_to(REPORT.parents[1])}")


if __name__ == "__main__":
    main()
