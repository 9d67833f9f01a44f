"""The report for people: build/bench.html, and the table of docs/how-fast.md.

`python -m benchmarks.page` writes the page anew from build/bench.json, `--markdown` prints the
table, `--docs` puts it into docs/how-fast.md between its two markers.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path
from typing import Any

from benchmarks.plots import Bar, Line, bars, lines
from benchmarks.report import Report, Row, read, report_file, rows

DOCS = Path(__file__).parents[2] / "docs" / "how-fast.md"
BEGIN, END = "<!-- figures -->\n", "<!-- /figures -->"
STYLE = """
:root { color-scheme: light dark; --ink: #1b1e23; --paper: #fff; --line: #d5d9e0; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e7ec; --paper: #16181d; --line: #3a3f48; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 780px; margin: 2em auto; padding: 0 1em; }
table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; padding: .2em .6em; border-bottom: 1px solid var(--line); }
td.figure { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
svg { width: 100%; height: auto; } svg text { font: 11px system-ui, sans-serif; fill: var(--ink); }
.grid { stroke: var(--line); } .curve { fill: none; stroke-width: 2; }
.missed { color: #c8321f; font-weight: 600; } .small { opacity: .75; font-size: 13px; }
"""


def table(report: Report) -> str:
    """Give the figures as a Markdown table, each with what was asked for and whether it is met."""
    head = ["| | what | figure | asked | met |", "|---|---|---|---|---|"]
    body = [
        f"| {row.workload} | {row.what} | {row.shown} | {row.target} | {_met(row)} |"
        for row in rows(report)
    ]
    return "\n".join([*head, *body, "", *_wheres(report)]) + "\n"


def _met(row: Row) -> str:
    return {None: "", True: "yes", False: "**no**"}[row.is_met]


def _wheres(report: Report) -> Iterator[str]:
    """Say of each machine and day what was measured there."""
    by_where: dict[str, list[str]] = {}
    for name, figures in report.items():
        by_where.setdefault(_where(figures["measured"]), []).append(name)
    for where, names in by_where.items():
        yield f"{', '.join(names)}: {where}"


def _where(measured: dict[str, Any]) -> str:
    machine, small = measured["machine"], measured["scale"] != 1
    said = f", at scale {measured['scale']:g}: no figures, only seen to work" if small else ""
    return (
        f"{measured['at'][:10]}, {machine['cores']} cores of {machine['cpu']}, "
        f"{machine['memory_gb']} GB, {machine['system']}, Python {machine['python']}{said}."
    )


def page(report: Report) -> str:
    """Give the whole page: the table, then a plot where one says more than a number."""
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        f"<title>Hooklane: how fast</title><style>{STYLE}</style>",
        "<h1>How fast</h1>",
        *(f"<p class=small>{escape(where)}</p>" for where in _wheres(report)),
        _html_table(report),
    ]
    for name, plot in _PLOTS.items():
        if name in report:
            parts.append("".join(plot(report[name])))
    return "\n".join(parts) + "\n</html>\n"


def _html_table(report: Report) -> str:
    body = "".join(
        f"<tr><td>{row.workload}<td>{escape(row.what)}"
        f"<td class=figure>{escape(row.shown)}<td class=figure>{escape(row.target)}"
        f"<td class={'missed' if row.is_met is False else 'met'}>{_met(row).strip('*')}"
        for row in rows(report)
    )
    return f"<table><tr><th><th>what<th>figure<th>asked<th>met{body}</table>"


def _heading(text: str) -> str:
    return f"<h2>{escape(text)}</h2>"


def _rate_plots(name: str, title: str) -> Callable[[Report], Iterator[str]]:
    def plots(w: Report) -> Iterator[str]:
        yield _heading(f"{name}: {title}")
        runs = zip(w["runs"], w["yardstick_runs"], strict=True)
        each = [
            bar
            for number, (rate, yardstick) in enumerate(runs, start=1)
            for bar in (
                Bar(f"run {number}", {"/s": rate}),
                Bar("the yardstick before it", {"/s": yardstick}),
            )
        ]
        yield bars(each, unit="/s", title=f"{name}, rates")
        yield from _cpu_and_memory(name, w)

    return plots


def _cpu_and_memory(name: str, w: Report) -> Iterator[str]:
    yield "<p>CPU of a delivery, by process, and the processes' highest memory:</p>"
    cpu = {**w["cpu_us_per_delivery_by_process"], **w.get("cpu_us_per_delivery_of_others", {})}
    ordered = sorted(cpu.items(), key=lambda one: -one[1])
    shown = [Bar(process, {"µs": figure}) for process, figure in ordered]
    yield bars(shown, unit="µs", title=f"{name}, CPU by process")
    memory = [Bar(process, {"MB": mb}) for process, mb in w["memory_mb_peak"].items()]
    yield bars(memory, unit="MB", title=f"{name}, memory by process")


def _w3(w: Report) -> Iterator[str]:
    yield _heading("W3: publish to receive at fan-out 1, by rate")
    for guarantee in ("at_least_once", "exactly_once"):
        yield f"<p>{guarantee}</p>"
        shown = [
            Bar(f"{name.split('_')[1]} events/s, {quantile}", {"ms": one[f"{quantile}_ms"]})
            for name, one in w[guarantee].items()
            if name.startswith("at_")
            for quantile in ("p50", "p99", "max")
        ]
        yield bars(shown, unit="ms", title=f"W3, {guarantee}")


def _w4(w: Report) -> Iterator[str]:
    yield _heading("W4: what a delivery costs as endpoints grow")
    for name, one in w.items():
        if "skipped" in one:
            yield f"<p class=missed>{escape(name)} skipped: {escape(one['skipped'])}</p>"
    sizes = [w[name] for name in w["cost_to_10_endpoints"]]
    shown = [
        Bar(f"{one['endpoints']:,} endpoints", one["cpu_us_per_delivery_by_process"])
        for one in sizes
    ]
    yield bars(shown, unit="µs", title="W4, CPU of a delivery by process")
    rates = [Bar(f"{one['endpoints']:,} endpoints", {"/s": one["deliveries_per_s"]})
             for one in sizes]  # fmt: skip
    yield bars(rates, unit="/s", title="W4, deliveries a second")


def _beside(name: str, title: str, *, other: str) -> Callable[[Report], Iterator[str]]:
    def plots(w: Report) -> Iterator[str]:
        yield _heading(f"{name}: {title}")
        shown = [
            Bar(f"{state}, {quantile}", {"ms": w[state][f"{quantile}_ms"]})
            for quantile in ("p50", "p99", "max")
            for state in ("calm", other)
        ]
        yield bars(shown, unit="ms", title=f"{name}, latency")

    return plots


def _w6(w: Report) -> Iterator[str]:
    yield _heading(f"W6: a backlog of {w['deliveries']:,} deliveries drains")
    curves = [
        Line("deliveries drained (left)", [(p["at_s"], p["deliveries"]) for p in w["drained"]]),
        Line("deliverer's memory in MB (right)",
             [(p["at_s"], p["memory_mb"]) for p in w["memory"]], on_right=True),
    ]  # fmt: skip
    yield lines(curves, x_label="seconds since the endpoints were resumed", title="W6, drain")
    yield from _cpu_and_memory("W6", {"cpu_us_per_delivery_of_others": {}, **w})


def _w8(w: Report) -> Iterator[str]:
    yield _heading("W8: deliverers of 64 open POSTs each, receivers that answer after 200 ms")
    shown = [
        Bar("one deliverer", {"/s": w["one_per_s"]}),
        Bar("two deliverers", {"/s": w["two_per_s"]}),
        Bar("the most that one can", {"/s": w["bound_per_s"]}),
    ]
    yield bars(shown, unit="/s", title="W8, rates")


def _w10(w: Report) -> Iterator[str]:
    yield _heading("W10: W1 by either guarantee")
    guarantees = ("exactly_once", "at_least_once")
    shown = [Bar(one, {"/s": w[one]["deliveries_per_s"]}) for one in guarantees]
    yield bars(shown, unit="/s", title="W10, rates")
    cpu = [Bar(one, w[one]["cpu_us_per_delivery_by_process"]) for one in guarantees]
    yield bars(cpu, unit="µs", title="W10, CPU of a delivery by process")


def _profile(w: Report) -> Iterator[str]:
    yield _heading("Who held the interpreter while W1 ran, in percent of the process's samples")
    for service in ("matcher", "deliverer"):
        shown = [Bar(one["function"][:34], {"%": one["percent"]}) for one in w.get(service, [])]
        yield f"<p>{service}</p>{bars(shown, unit='%', title=f'profile of the {service}')}"


_PLOTS: dict[str, Callable[[Report], Iterator[str]]] = {
    "W1": _rate_plots("W1", "fan-out 10"),
    "W2": _rate_plots("W2", "fan-out 1"),
    "W3": _w3,
    "W4": _w4,
    "W5": _beside("W5", "the other 98 of a hundred endpoints, while one hangs and one fails",
                  other="trouble"),
    "W6": _w6,
    "W8": _w8,
    "W9": _beside("W9", "first attempts, while every delivery fails twice", other="storm"),
    "W10": _w10,
    "profile": _profile,
}  # fmt: skip


def into_docs(text: str, report: Report) -> str:
    """Give the document with the table between its markers."""
    before, _, rest = text.partition(BEGIN)
    _, marker, after = rest.partition(END)
    assert marker, f"{BEGIN.strip()} and {END} are not both there"
    return f"{before}{BEGIN}{table(report)}{END}{after}"


def main() -> None:
    """Do what the argument says."""
    file = report_file()
    report = read(file)
    match sys.argv[1:]:
        case ["--markdown"]:
            print(table(report), end="")
        case ["--docs"]:
            DOCS.write_text(into_docs(DOCS.read_text(encoding="utf-8"), report), encoding="utf-8")
        case _:
            file.with_suffix(".html").write_text(page(report), encoding="utf-8")


if __name__ == "__main__":
    main()
