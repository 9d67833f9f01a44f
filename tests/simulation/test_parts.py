"""Transactions of two records, so that most fan-outs are in parts, under seeded faults."""

import pytest

from simulation.simulation import SETTINGS, Simulation
from simulation.test_simulation import seeds


@pytest.mark.parametrize("seed", [seed for seed in seeds() if seed < 12])
def test_a_fan_out_in_parts_keeps_every_law(seed):
    """Each part is what the table at its writing says of its range of ids, each endpoint once."""
    settings = {**SETTINGS, "matcher": {"read_records_max": 20, "transaction_records_max": 2}}
    simulation = Simulation(seed, settings=settings)
    try:
        simulation.run()
    except BaseException:
        print(f"HOOKLANE_SEED={seed}", *simulation.events, sep="\n")
        raise
    last = {value["part"] for value in simulation.ledger.receipts.values()}
    assert max(last) > 0
    assert not simulation.ledger.parts
