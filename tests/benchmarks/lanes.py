"""W4: what a delivery costs as endpoints grow from 10 to 5,000, placed as control places them."""

from __future__ import annotations

from typing import Any

from benchmarks.rates import (
    DELIVERIES,
    LINGER_MS,
    WARM_UP_DELIVERIES,
    beside_yardstick,
    one_run,
    publish_and_wait,
)
from benchmarks.receivers import Nginx, nginx
from benchmarks.scale import SCALE, say, scaled
from benchmarks.stack import Refused, Stack, stack

WIDTH = 10
ENDPOINTS = (10, 100, 1_000, 5_000)
# Thousands are created: that all are effective is waited for at the end, not for each.
ENVIRONMENT = {"HOOKLANE_CONTROL_EFFECTIVE_WAIT_MS": "0"}


def w4() -> dict[str, Any]:
    """Fan-out 10 among more and more endpoints: each tenant has ten, events go to tenants in turn.

    A size that control refuses is left out, loudly: it says so in the figures too.
    """
    figures: dict[str, Any] = {}
    tenants: list[str] = []
    with nginx() as receiver, stack(ENVIRONMENT, linger_ms=LINGER_MS) as running:
        for endpoints in ENDPOINTS:
            size = endpoints if SCALE >= 1 else max(WIDTH, scaled(endpoints) // WIDTH * WIDTH)
            name = f"{endpoints}_endpoints"
            say(f"creating endpoints: {size}")
            try:
                tenants += _grow(running, receiver, have=len(tenants), tenants=size // WIDTH)
            except Refused as refusal:
                say(f"SKIPPED {name}: control refused, {refusal}")
                figures[name] = {"skipped": str(refusal)}
                continue
            say("warming up")
            figures[name] = {"endpoints": size, **_measure(running, receiver, tenants)}
    return {**figures, "cost_to_10_endpoints": _compared(figures)}


def _grow(running: Stack, receiver: Nginx, *, have: int, tenants: int) -> list[str]:
    new = [f"tenant{number}" for number in range(have, tenants)]
    running.create_for(
        (tenant, f"{receiver.url}/hook/{tenant}/{number}")
        for tenant in new
        for number in range(WIDTH)
    )
    return new


def _measure(running: Stack, receiver: Nginx, tenants: list[str]) -> dict[str, Any]:
    # Lanes that are new have to be assigned and fetched from before their speed counts.
    warm_up = WARM_UP_DELIVERIES if len(tenants) == 1 else DELIVERIES // 2
    events = max(scaled(warm_up / WIDTH), len(tenants))
    publish_and_wait(running, receiver, events=events, width=WIDTH, tenants=tenants)
    running.recorder_catches_up()
    count = max(scaled(DELIVERIES / WIDTH / 2, least=10), len(tenants))
    return beside_yardstick(
        receiver, lambda: one_run(running, receiver, events=count, width=WIDTH, tenants=tenants)
    )


def _compared(figures: dict[str, Any]) -> dict[str, float]:
    """Give what a delivery costs in CPU, as a multiple of what it costs at 10 endpoints."""
    least = figures[f"{ENDPOINTS[0]}_endpoints"]["cpu_us_per_delivery"]
    return {
        name: round(one["cpu_us_per_delivery"] / least, 2)
        for name, one in figures.items()
        if "skipped" not in one
    }
