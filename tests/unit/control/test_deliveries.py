import pytest

from hooklane.adapters.log_store import PageRequest, ReceiptFilter
from hooklane.control.deliveries import RECEIPTS_A_READ, RECEIPTS_READ_MAX, Deliveries
from hooklane.domain.delivery import EPOCH
from hooklane.domain.delivery_state import DeliveryState
from hooklane.domain.errors import Invalid, NotFound
from support.logbook import of

EVERYTHING = ReceiptFilter()


class Kept:
    """A log in memory, that counts how often its receipts are read."""

    def __init__(self, *receipts, attempts=(), dead=(), states=None):
        newest = sorted(receipts, key=lambda row: (row["received_at"], row["receipt_id"]))
        self._receipts = newest[::-1]
        self._attempts, self._dead, self._states = attempts, dead, states or {}
        self.reads = 0

    def receipts(self, chosen, page):
        self.reads += 1
        rows = [row for row in self._receipts if chosen.event_id in (None, row["event_id"])]
        if page.after is not None:
            rows = [row for row in rows if self._is_below(row, page)]
        return rows[: page.limit]

    def receipts_of(self, event_id, *, limit):
        return [row for row in self._receipts if row["event_id"] == event_id][:limit]

    def last_attempts(self, delivery_ids, *, since):
        return [row for row in self._attempts if row["delivery_id"] in delivery_ids]

    def dead_letter_marks(self, delivery_ids):
        return [row for row in self._dead if row["delivery_id"] in delivery_ids]

    def endpoint_states(self, endpoint_ids):
        return {name: state for name, state in self._states.items() if name in endpoint_ids}

    def _is_below(self, row, page):
        place = (row["received_at"], row["receipt_id"])
        return place < page.after or (page.inclusive and place == page.after)


def receipt(number, matched=("ep_1",), **fields):
    event_id = f"evt_{number:05}"
    return {
        "receipt_id": f"{event_id}:event::0", "event_id": event_id, "trigger": "event",
        "command_id": "", "matched": list(matched), "matched_count": len(matched),
        "received_at": 1_000, **fields,
    }  # fmt: skip


def page(kept, *, limit=50, after=None, state=None, chosen=EVERYTHING):
    request = PageRequest(limit=limit, after=after)
    return Deliveries(kept).page(chosen, request, state=state, now=EPOCH)


def test_a_receipt_of_many_is_shown_in_as_many_pages_as_it_takes():
    """The cursor is a place in a receipt; the last one is the list's end."""
    kept, found, cursor = Kept(receipt(1, ["ep_1", "ep_2", "ep_3"]), receipt(2)), [], None
    while True:
        shown, cursor = page(kept, limit=2, after=cursor)
        found += [(one.receipt["event_id"], one.obligation.endpoint_id) for one in shown]
        if cursor is None:
            break
    assert found == [
        ("evt_00002", "ep_1"), ("evt_00001", "ep_1"), ("evt_00001", "ep_2"), ("evt_00001", "ep_3"),
    ]  # fmt: skip


def test_an_endpoints_deliveries_leave_out_all_others():
    """Of a receipt only its own is shown."""
    chosen = ReceiptFilter(endpoint_id="ep_2")
    shown, _ = page(Kept(receipt(1, ["ep_1", "ep_2"])), chosen=chosen)
    assert [one.obligation.endpoint_id for one in shown] == ["ep_2"]


def test_a_search_gives_up_after_so_many_receipts_and_says_where():
    """An empty page with a cursor: no request reads without bound, and nothing is left out."""
    many = RECEIPTS_READ_MAX + RECEIPTS_A_READ + 1
    kept = Kept(*(receipt(number) for number in range(many)), states={"ep_1": "active"})
    shown, cursor = page(kept, state=DeliveryState.DEAD)
    assert (shown, kept.reads) == ([], RECEIPTS_READ_MAX // RECEIPTS_A_READ)
    assert cursor is not None
    shown, cursor = page(kept, state=DeliveryState.DEAD, after=cursor)
    assert (shown, cursor) == ([], None)


def test_a_list_that_ends_with_a_full_read_ends():
    """As many receipts as one read gives, and none after."""
    kept = Kept(*(receipt(number) for number in range(RECEIPTS_A_READ)))
    shown, cursor = page(kept, limit=RECEIPTS_A_READ + 1)
    assert (len(shown), cursor) == (RECEIPTS_A_READ, None)


def test_a_paused_endpoints_deliveries_are_held():
    """The endpoint's own state counts."""
    (shown,), _ = page(Kept(receipt(1), states={"ep_1": "paused"}))
    assert shown.standing.state is DeliveryState.HELD


def test_times_beyond_the_calendar_break_no_list():
    """A wrong clock somewhere is shown as the nearest time there is."""
    last = {
        "delivery_id": of("evt_00001"), "started_at": -5, "number": 1, "verdict": "retry",
        "tier_s": None, "due_at": 10**18, "reason": "",
    }  # fmt: skip
    (shown,), _ = page(Kept(receipt(1, received_at=10**18), attempts=[last]))
    assert shown.standing.state is DeliveryState.WAITING


@pytest.mark.parametrize("last", ["", "evt_1", "#1", "evt_1#x", "evt_1#-1"])
def test_another_lists_cursor_is_refused(last):
    """It has no place in a receipt."""
    with pytest.raises(Invalid):
        page(Kept(receipt(1)), after=(1_000, last))


def test_a_delivery_without_an_attempt_is_found_by_its_event_or_among_the_newest():
    """Its id is a hash: nothing else leads to it."""
    kept = Kept(receipt(1), receipt(2))

    def one(delivery_id, event_id=None):
        found = Deliveries(kept).one(delivery_id, event_id=event_id, chosen=EVERYTHING, now=EPOCH)
        return found.receipt["event_id"]

    assert one(of("evt_00001")) == "evt_00001"
    reads = kept.reads
    assert (one(of("evt_00001"), "evt_00001"), kept.reads) == ("evt_00001", reads)
    with pytest.raises(NotFound):
        one(of("evt_00001"), "evt_00002")


def test_an_events_deliveries_are_counted_once_each():
    """Two receipts of one delivery, as of an event written twice, are one."""
    twice = [receipt(1, ["ep_1", "ep_2"]), receipt(1, ["ep_1"])]
    assert Deliveries(Kept()).counts(twice, now=EPOCH) == {"in_lane": 2}
