"""The report: figures by workload, each with when and where it was measured; and its targets."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hooklane.control.again_models import RATE

TIMES = "×"  # noqa: RUF001  the sign, not the letter
BUILD = Path(__file__).parents[2] / "build"
Report = dict[str, Any]


def report_file(scale: float = 1) -> Path:
    """Say where figures are; those of small runs, which are none, lie apart."""
    return BUILD / ("bench.json" if scale >= 1 else "bench.small.json")


def read(file: Path) -> Report:
    """Read what is there, what an older release wrote left out."""
    if not file.exists():
        return {}
    found: Report = json.loads(file.read_text(encoding="utf-8"))
    return {name: one for name, one in found.items() if _is_ours(one)}


def _is_ours(figures: Any) -> bool:
    return isinstance(figures, dict) and "measured" in figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of the table: what was measured, what came out, and what was asked for."""

    workload: str
    what: str
    figure: float
    unit: str
    most: float | None = None
    least: float | None = None

    @property
    def target(self) -> str:
        """Say what was asked for."""
        if self.least is not None:
            return f"≥ {self.least:g}"
        return "" if self.most is None else f"≤ {self.most:g}"

    @property
    def is_met(self) -> bool | None:
        """Tell whether it came out as asked; None where nothing was."""
        if self.least is not None:
            return self.figure >= self.least
        return None if self.most is None else self.figure <= self.most

    @property
    def shown(self) -> str:
        """Give the figure with its unit."""
        number = f"{self.figure:,.0f}" if self.figure >= 1_000 else f"{self.figure:g}"
        return f"{number} {self.unit}".strip()


def rows(report: Report) -> Iterator[Row]:
    """Give the table's lines of the workloads that were measured."""
    for name, lines in _LINES.items():
        figures = report.get(name)
        if figures is not None:
            yield from lines(figures)
            if (seconds := _caught_up(figures)) is not None:
                yield Row(workload=name, what="recorder caught up after", figure=seconds,
                          unit="s", most=60)  # fmt: skip


def _caught_up(figures: Any) -> float | None:
    """Give the longest wait for the recorder anywhere in these figures."""
    if not isinstance(figures, dict):
        return None
    own = [figures["recorder_caught_up_s"]] if "recorder_caught_up_s" in figures else []
    below = (_caught_up(one) for one in figures.values())
    return max([*own, *(one for one in below if one is not None)], default=None)


def _rates(workload: str, least: float) -> Callable[[Report], Iterator[Row]]:
    def lines(w: Report) -> Iterator[Row]:
        yield Row(workload=workload, what="deliveries", figure=w["deliveries_per_s"], unit="/s")
        yield Row(workload=workload, what="bare POST loop (the yardstick)",
                  figure=w["yardstick_posts_per_s"], unit="/s")  # fmt: skip
        yield Row(workload=workload, what="ratio", figure=w["ratio"], unit=TIMES, least=least)
        yield Row(workload=workload, what="CPU of a delivery, all processes",
                  figure=w["cpu_us_per_delivery"], unit="µs")  # fmt: skip

    return lines


# By guarantee: the most p50 at 100 and 300 events/s; p99 is bounded at_least_once alone.
_P50_MS_MAX = {"at_least_once": 3, "exactly_once": 8}


def _w3(w: Report) -> Iterator[Row]:
    for guarantee, most in _P50_MS_MAX.items():
        for rate in (100, 300, 1_000):
            one = w[guarantee][f"at_{rate}_per_s"]
            bounded = rate <= 300
            p99_most = 12 if bounded and guarantee == "at_least_once" else None
            what = f"{guarantee}, {rate} events/s,"
            yield Row(workload="W3", what=f"{what} p50", figure=one["p50_ms"], unit="ms",
                      most=most if bounded else None)  # fmt: skip
            yield Row(workload="W3", what=f"{what} p99", figure=one["p99_ms"], unit="ms",
                      most=p99_most)  # fmt: skip
        spikes = sum(w[guarantee][f"at_{rate}_per_s"]["spikes"] for rate in (100, 300))
        yield Row(workload="W3", what=f"{guarantee}, 100 and 300 events/s, of 100 ms or more",
                  figure=spikes, unit="deliveries", most=0)  # fmt: skip


def _w4(w: Report) -> Iterator[Row]:
    for name, cost in w["cost_to_10_endpoints"].items():
        count = w[name]["endpoints"]
        yield Row(workload="W4", what=f"{count:,} endpoints: deliveries",
                  figure=w[name]["deliveries_per_s"], unit="/s")  # fmt: skip
        yield Row(workload="W4", what=f"{count:,} endpoints: CPU of a delivery, to that at 10",
                  figure=cost, unit=TIMES, most=1.5)  # fmt: skip


def _w5(w: Report) -> Iterator[Row]:
    yield Row(workload="W5", what="the others' p99 when none misbehaves",
              figure=w["calm"]["p99_ms"], unit="ms")  # fmt: skip
    yield Row(workload="W5", what="their p99 while one hangs and one fails",
              figure=w["trouble"]["p99_ms"], unit="ms")  # fmt: skip
    yield Row(workload="W5", what="ratio", figure=w["p99_ratio"], unit=TIMES, most=1.2)


def _w6(w: Report) -> Iterator[Row]:
    yield Row(workload="W6", what="backlog", figure=w["deliveries"], unit="deliveries")
    yield Row(workload="W6", what="drained at", figure=w["deliveries_per_s"], unit="/s")
    yield Row(workload="W6", what="to W1 on the same stack", figure=w["to_W1"], unit=TIMES,
              least=0.9)  # fmt: skip
    yield Row(workload="W6", what="deliverer's highest memory", figure=w["deliverer_mb_peak"],
              unit="MB", most=150)  # fmt: skip


def _w7(w: Report) -> Iterator[Row]:
    everyone = w["one_event_for_all"]
    yield Row(workload="W7", what="endpoints", figure=w["endpoints"], unit="")
    yield Row(workload="W7", what="start", figure=w["start_s"], unit="s", most=30)
    yield Row(workload="W7", what="memory", figure=w["memory_mb"], unit="MB", most=1_000)
    yield Row(workload="W7", what=f"first match of a type ({w['matched_by_an_event']} endpoints)",
              figure=w["match_us"]["first"], unit="µs", most=50)  # fmt: skip
    yield Row(workload="W7", what="match of a type seen before",
              figure=w["match_us"]["remembered"], unit="µs", most=50)  # fmt: skip
    yield Row(workload="W7", what="match of an event for all", figure=everyone["match_ms"],
              unit="ms")  # fmt: skip
    yield Row(workload="W7", what="its records, each", figure=everyone["write_us_per_delivery"],
              unit="µs")  # fmt: skip


def _w8(w: Report) -> Iterator[Row]:
    yield Row(workload="W8", what="one deliverer", figure=w["one_per_s"], unit="/s")
    yield Row(workload="W8", what="two deliverers", figure=w["two_per_s"], unit="/s")
    yield Row(workload="W8", what="ratio", figure=w["two_to_one"], unit=TIMES, least=1.8)


def _w9(w: Report) -> Iterator[Row]:
    yield Row(workload="W9", what="lost", figure=w["lost"], unit="", most=0)
    yield Row(workload="W9", what="early", figure=w["early"], unit="", most=0)
    yield Row(workload="W9", what="first attempts' p99, calm", figure=w["calm"]["p99_ms"],
              unit="ms")  # fmt: skip
    yield Row(workload="W9", what="first attempts' p99, in the storm",
              figure=w["storm"]["p99_ms"], unit="ms")  # fmt: skip


def _w10(w: Report) -> Iterator[Row]:
    for guarantee in ("exactly_once", "at_least_once"):
        yield Row(workload="W10", what=guarantee, figure=w[guarantee]["deliveries_per_s"],
                  unit="/s")  # fmt: skip
    yield Row(workload="W10", what="exactly_once to at_least_once",
              figure=w["exactly_to_least"], unit=TIMES)  # fmt: skip


def _replay(w: Report) -> Iterator[Row]:
    for name in (name for name in w if name.startswith("at_")):
        rate, one = name.split("_")[1], w[name]
        for side in ("without", "with"):
            yield Row(workload="replay", figure=one[side]["p99_ms"], unit="ms",
                      what=f"the other endpoint's p99 {side} a replay at {rate}/s")  # fmt: skip
        # Asked of the rate that a replay has where none is named.
        yield Row(workload="replay", what=f"ratio at {rate}/s", figure=one["p99_ratio"],
                  unit=TIMES, most=1.2 if int(rate) == RATE else None)  # fmt: skip
    yield Row(workload="replay", what="all of it, the replayer killed: at", unit="/s",
              figure=w["events_per_s"])  # fmt: skip
    yield Row(workload="replay", what="missing or twice", unit="deliveries", most=0,
              figure=abs(w["posted"] - w["events"]))  # fmt: skip


_LINES: dict[str, Callable[[Report], Iterator[Row]]] = {
    "W1": _rates("W1", 1.0), "W2": _rates("W2", 0.7), "W3": _w3, "W4": _w4, "W5": _w5,
    "W6": _w6, "W7": _w7, "W8": _w8, "W9": _w9, "W10": _w10, "replay": _replay,
}  # fmt: skip
