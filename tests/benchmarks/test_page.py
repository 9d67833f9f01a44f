"""The page and the table of the report."""

import xml.etree.ElementTree as ET

import pytest

from benchmarks.page import DOCS, into_docs, page, table
from benchmarks.plots import Bar, Line, bars, lines
from benchmarks.report import TIMES, Row, rows

MEASURED = {
    "at": "2026-01-02T03:04:05+00:00",
    "scale": 1.0,
    "machine": {
        "cpu": "a <fast> one",
        "cores": 2,
        "memory_gb": 8,
        "system": "Linux 6",
        "python": "3.11.7",
    },
}
W1 = {
    "deliveries_per_s": 12_000,
    "yardstick_posts_per_s": 10_000,
    "ratio": 1.2,
    "cpu_us_per_delivery": 99.5,
    "cpu_us_per_delivery_by_process": {"matcher": 15.0, "deliverer": 50.0},
    "cpu_us_per_delivery_of_others": {"receiver (nginx)": 3.0},
    "memory_mb_peak": {"matcher": 80, "deliverer": 100},
    "runs": [12_000],
    "yardstick_runs": [10_000],
    "recorder_caught_up_s": 61.0,
    "measured": MEASURED,
}


def test_a_row_says_whether_what_was_asked_for_is_met():
    """What was asked for is a bound from below or from above, or nothing."""
    asked = [{"least": 1.0}, {"most": 1.0}, {}]
    found = [Row(workload="W", what="x", figure=1.2, unit="s", **bound) for bound in asked]
    assert [row.is_met for row in found] == [True, False, None]
    assert [row.target for row in found] == ["≥ 1", "≤ 1", ""]


def test_only_what_was_measured_has_rows():
    """A report of one workload has its lines, and the recorder's."""
    assert {row.workload for row in rows({"W1": W1})} == {"W1"}
    assert list(rows({})) == []


def test_a_replay_has_its_neighbours_p99_at_each_rate():
    """And how many came of it all."""
    beside = {"without": {"p99_ms": 20.0}, "with": {"p99_ms": 30.0}, "p99_ratio": 1.5}
    whole = {"events": 9, "posted": 9, "events_per_s": 4}
    found = rows({"replay": {"at_100_per_s": beside, **whole}})
    assert [(row.figure, row.is_met) for row in found] == [
        (20.0, None), (30.0, None), (1.5, False), (4, None), (0, True)
    ]  # fmt: skip


def test_a_recorder_that_lags_too_long_is_not_met():
    """It has 60 s, in whichever part of the workload."""
    (row,) = (row for row in rows({"W1": W1}) if row.what.startswith("recorder"))
    assert (row.figure, row.is_met) == (61.0, False)


def test_the_table_names_figures_targets_and_the_machine():
    """Whoever reads it needs nothing else."""
    found = table({"W1": W1})
    assert "| W1 | deliveries | 12,000 /s |  |  |" in found
    assert f"| W1 | ratio | 1.2 {TIMES}" in found
    assert "W1: 2026-01-02, 2 cores of a <fast> one, 8 GB, Linux 6, Python 3.11.7." in found


def test_a_small_run_says_that_it_is_none():
    """Figures at another scale than 1 are told from real ones."""
    small = {**W1, "measured": {**MEASURED, "scale": 0.01}}
    assert "at scale 0.01: no figures" in table({"W1": small})


def test_the_page_is_whole_and_what_it_is_told_is_escaped():
    """It asks for nothing from elsewhere."""
    found = page({"W1": W1})
    assert "<svg" in found
    assert "a &lt;fast&gt; one" in found
    assert "<script" not in found
    assert "src=" not in found


@pytest.mark.parametrize(
    "drawn",
    [
        bars([Bar("a & b", {"x": 1.0, "y": 2.0}), Bar("c", {})], unit="µs", title="<t>"),
        bars([], unit="s", title="empty"),
        lines([Line("a", [(0, 0), (1, 5)]), Line("b", [(0, 1)], on_right=True)],
              x_label="s", title="t"),
        lines([], x_label="s", title="none"),
    ],
)  # fmt: skip
def test_a_plot_is_well_formed(drawn):
    """Whatever the labels and however few the figures."""
    assert ET.fromstring(drawn).tag.endswith("svg")


def test_a_longer_bar_is_a_larger_figure():
    """Widths are in proportion."""
    root = ET.fromstring(bars([Bar("a", {"": 1}), Bar("b", {"": 2})], unit="s", title="t"))
    one, two = (float(box.get("width")) for box in root.iter("{http://www.w3.org/2000/svg}rect"))
    assert two == pytest.approx(2 * one, rel=0.01)


def test_the_docs_keep_their_text_around_the_table():
    """Only what stands between the markers is written anew."""
    text = DOCS.read_text(encoding="utf-8")
    written = into_docs(text, {"W1": W1})
    assert into_docs(written, {"W1": W1}) == written
    assert written.partition("<!-- figures -->")[0] == text.partition("<!-- figures -->")[0]
    assert written.partition("<!-- /figures -->")[2] == text.partition("<!-- /figures -->")[2]
