"""What only the twin's transactional producer does, beside the contract: kills and faults."""

from datetime import timedelta

import pytest

from hooklane.domain.errors import Fenced, TransactionAborted, Unavailable
from hooklane.domain.offsets import Committed
from hooklane.domain.topics import Partition

PLACE = Partition("t", 0)


def run(transactions, value, member):
    transactions.produce("t", value, key=None)
    transactions.send_offsets({PLACE: Committed(offset=1)}, member)
    transactions.commit()


@pytest.fixture
def writer(cluster):
    def writer():
        return cluster.transactional_producer(transactional_id="x")

    return writer


def test_a_killed_producers_transaction_stays_open_until_its_id_returns(cluster, own, writer):
    """Its records hide what follows, then they are as if never written."""
    old = writer()
    old.begin()
    old.produce("t", b"old", key=None)
    cluster.kill(old)
    owner = own()
    assert owner.step() == []
    new = writer()
    new.begin()
    new.produce("t", b"new", key=None)
    new.commit()
    assert owner.step() == [b"new"]


def test_a_transaction_that_lasts_too_long_is_aborted_and_fatal(cluster, own, writer, clock):
    """The broker ends it by itself; the producer must stop."""
    slow = writer()
    slow.begin()
    slow.produce("t", b"slow", key=None)
    clock.advance(timedelta(seconds=10))
    owner = own()
    owner.step()
    assert owner.member.position(PLACE) == 2
    with pytest.raises(Fenced):
        slow.commit()
    assert owner.values == []


def test_a_fault_in_any_step_aborts_all_of_it(cluster, own, writer):
    """TransactionAborted means that nothing is visible, whichever call raised it."""
    transactions, owner = writer(), own()
    owner.step()
    for step in ("produce", "send_offsets", "commit"):
        cluster.fail_next(step, Unavailable("broken"))
        transactions.begin()
        with pytest.raises(TransactionAborted):
            run(transactions, step.encode(), owner.member)
    assert owner.step() == []
    assert owner.member.committed([PLACE]) == {}


def test_a_commit_whose_answer_is_lost_has_happened(cluster, own, writer):
    """The next process finds it done."""
    transactions, owner = writer(), own()
    cluster.fail_next("commit", Fenced("no answer"), after=True)
    transactions.begin()
    transactions.produce("t", b"0", key=None)
    with pytest.raises(Fenced):
        transactions.commit()
    assert owner.step() == [b"0"]


def test_a_fault_that_would_lie_can_not_be_asked_for(cluster):
    """What was done is never told as aborted, and records taken are never lost."""
    with pytest.raises(AssertionError):
        cluster.fail_next("commit", TransactionAborted("a lie"), after=True)
    with pytest.raises(AssertionError):
        cluster.fail_next("consume", Fenced("lost"), after=True)


def test_offsets_of_an_expelled_member_abort(cluster, own, writer):
    """A zombie's tick is refused as a whole."""
    transactions, owner = writer(), own()
    owner.step()
    cluster.expel(owner.member)
    transactions.begin()
    transactions.produce("t", b"0", key=None)
    with pytest.raises(TransactionAborted):
        transactions.send_offsets({PLACE: Committed(offset=1)}, owner.member)


def test_while_the_cluster_is_down_nothing_begins_and_what_is_open_aborts(cluster, writer):
    """When it is up again all goes on."""
    transactions = writer()
    transactions.begin()
    transactions.produce("t", b"0", key=None)
    cluster.down()
    with pytest.raises(TransactionAborted):
        transactions.commit()
    with pytest.raises(Unavailable):
        transactions.begin()
    transactions.abort()
    cluster.up()
    transactions.begin()
    transactions.commit()
