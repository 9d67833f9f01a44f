"""`make bench`: run the workloads, merge their figures into build/bench.json, write the page.

`W=W5` runs one, `W="W1 W2"` two; without it all of W1 to W10 run, in less than 45 minutes. The
others take long or need PostgreSQL or py-spy, and run when they are named. `SCALE=0.01` sees that
a workload works; what such a run measures is nothing, and is kept apart in build/bench.small.json.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.backlog import w6
from benchmarks.history import history
from benchmarks.lanes import w4
from benchmarks.latency import w3
from benchmarks.machine import measured
from benchmarks.neighbours import w5
from benchmarks.page import page, table
from benchmarks.rates import w1, w2, w10
from benchmarks.recorder import recorder
from benchmarks.replay import replay
from benchmarks.report import read, report_file
from benchmarks.scale import SCALE, say
from benchmarks.scale_out import w8
from benchmarks.send_now import send_now
from benchmarks.storm import w9
from benchmarks.table import w7
from benchmarks.where_time_goes import profile

UNASKED: Mapping[str, Callable[[], dict[str, Any]]] = {
    "W1": w1, "W2": w2, "W3": w3, "W4": w4, "W5": w5,
    "W6": w6, "W7": w7, "W8": w8, "W9": w9, "W10": w10,
}  # fmt: skip
WORKLOADS: Mapping[str, Callable[[], dict[str, Any]]] = {
    **UNASKED,
    "profile": profile,
    "send-now": send_now,
    "history": history,
    "replay": replay,
    "recorder": recorder,
}


def main() -> None:
    """Measure what was asked for, each merged into the report as soon as it is there."""
    asked = sys.argv[1:] or list(UNASKED)
    if unknown := set(asked) - WORKLOADS.keys():
        known = ", ".join(WORKLOADS)
        sys.exit(f"no workload {', '.join(sorted(unknown))}; there are {known}")
    file = report_file(SCALE)
    file.parent.mkdir(exist_ok=True)
    failed = []
    for name in asked:
        say(f"== {name}")
        try:
            figures = WORKLOADS[name]()
        except (AssertionError, RuntimeError, OSError, KeyError) as error:
            # The others' figures are worth having all the same.
            say(f"FAILED {name}: {error}")
            failed.append(name)
            continue
        report = {**read(file), name: {**figures, "measured": measured()}}
        file.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
        file.with_suffix(".html").write_text(page(report), encoding="utf-8")
    print(table(read(file)))
    print(f"{file} and {file.with_suffix('.html').name}")
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
