"""Plots as SVG, drawn from figures by a few lines of arithmetic; no library, no script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

COLOURS = (
    "#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#3ca951", "#ff8ab7", "#a463f2", "#97bbf5",
    "#9c6b4e", "#9498a0", "#2f7d86", "#b5651d",
)  # fmt: skip
WIDTH, ROW, LABEL, FIGURE = 720, 22, 210, 90
HEIGHT, LEFT, BOTTOM, TOP = 260, 64, 34, 14
TICKS = 4


class Bar(NamedTuple):
    """One row: its label and, in order, the named parts it is made of."""

    label: str
    parts: Mapping[str, float]


class Line(NamedTuple):
    """A named curve; `on_right` has its own scale at the right edge."""

    label: str
    points: Sequence[tuple[float, float]]
    on_right: bool = False


def bars(rows: Sequence[Bar], *, unit: str, title: str) -> str:
    """Draw rows of parts side by side, a legend where there is more than one part."""
    names = list(dict.fromkeys(name for row in rows for name in row.parts))
    most = max((sum(row.parts.values()) for row in rows), default=0) or 1
    scale = (WIDTH - LABEL - FIGURE) / most
    drawn = []
    for number, row in enumerate(rows):
        y, x = number * ROW, float(LABEL)
        drawn.append(_text(LABEL - 8, y + 15, row.label, anchor="end"))
        for name, value in row.parts.items():
            colour = COLOURS[names.index(name) % len(COLOURS)]
            shown = f"{row.label}, {name}: {_number(value)} {unit}"
            drawn.append(_box(x, y + 3, width=value * scale, colour=colour, shown=shown))
            x += value * scale
        total = _number(sum(row.parts.values()))
        drawn.append(_text(x + 6, y + 15, f"{total} {unit}"))
    legend = _legend(names, y=len(rows) * ROW + 14) if len(names) > 1 else []
    height = len(rows) * ROW + (14 + 18 * _legend_rows(names) if legend else 0) + 4
    return _svg([*drawn, *legend], height=height, title=title)


def lines(curves: Sequence[Line], *, x_label: str, title: str) -> str:
    """Draw curves over one horizontal axis; both vertical axes begin at nought."""
    across = max((x for curve in curves for x, _ in curve.points), default=0) or 1
    left = max((y for c in curves if not c.on_right for _, y in c.points), default=0) or 1
    right = max((y for c in curves if c.on_right for _, y in c.points), default=0) or 1
    inner, deep = WIDTH - 2 * LEFT, HEIGHT - BOTTOM - TOP
    drawn = []
    for tick in range(TICKS + 1):
        part = tick / TICKS
        y, x = TOP + deep * (1 - part), LEFT + inner * part
        drawn.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - LEFT}"/>')
        drawn.append(_text(LEFT - 6, y + 4, _number(left * part), anchor="end"))
        drawn.append(_text(x, HEIGHT - BOTTOM + 16, _number(across * part), anchor="middle"))
        if any(curve.on_right for curve in curves):
            drawn.append(_text(WIDTH - LEFT + 6, y + 4, _number(right * part)))
    for number, curve in enumerate(curves):
        most = right if curve.on_right else left
        placed = " ".join(
            f"{LEFT + inner * x / across:.1f},{TOP + deep * (1 - y / most):.1f}"
            for x, y in curve.points
        )
        drawn.append(f'<polyline class="curve" stroke="{COLOURS[number]}" points="{placed}"/>')
    drawn.append(_text(WIDTH / 2, HEIGHT - 2, x_label, anchor="middle"))
    names = [curve.label for curve in curves]
    legend = _legend(names, y=HEIGHT + 14)
    return _svg([*drawn, *legend], height=HEIGHT + 14 + 18 * _legend_rows(names), title=title)


_A_ROW = 4


def _legend_rows(names: Sequence[str]) -> int:
    return -(-len(names) // _A_ROW)


def _legend(names: Sequence[str], *, y: float) -> list[str]:
    drawn = []
    for number, name in enumerate(names):
        x = 8 + number % _A_ROW * (WIDTH - 8) / _A_ROW
        at = y + number // _A_ROW * 18
        colour = COLOURS[number % len(COLOURS)]
        drawn.append(f'<rect x="{x:.0f}" y="{at:.0f}" width="11" height="11" fill="{colour}"/>')
        drawn.append(_text(x + 16, at + 10, name))
    return drawn


def _box(x: float, y: float, *, width: float, colour: str, shown: str) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{ROW - 6}"'
    return f'<rect {place} fill="{colour}"><title>{escape(shown)}</title></rect>'


def _text(x: float, y: float, text: str, *, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _number(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _svg(drawn: Sequence[str], *, height: float, title: str) -> str:
    box = f'viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(title)}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {box}>{"".join(drawn)}</svg>'
