"""A producer that tells of every record: the same on the twin and on real Kafka."""

from datetime import timedelta

from support.stack import wait_until

SOON = timedelta(milliseconds=50)
ACK_WITHIN = timedelta(seconds=3)


def told_of(producer, answers, *, count):
    """Poll until so many were told of."""

    def all_of_them():
        producer.poll(SOON)
        return len(answers) >= count

    wait_until(all_of_them, within_s=20, what=f"{count} acknowledgements")
    return answers


def test_each_record_is_told_of_once_when_it_is_there(world):
    """`on_ack` gets None, and not before `poll`."""
    topic, answers = world.topic(), []
    producer = world.acking()
    for number in range(3):
        producer.produce(topic, b"%d" % number, key=b"k", headers=[("a", b"1")],
                         on_ack=answers.append)  # fmt: skip
    assert answers == []
    assert told_of(producer, answers, count=3) == [None, None, None]
    producer.poll(SOON)
    assert len(answers) == 3
    assert world.values(topic) == [b"0", b"1", b"2"]
    producer.close(ACK_WITHIN)


def test_a_record_for_a_topic_that_is_not_there_is_told_of_too(world):
    """As unavailable: at once, or when it is given up."""
    answers = []
    producer = world.acking(timedelta(seconds=1))
    producer.produce(f"{world.prefix}.nowhere", b"v", key=None, headers=None, on_ack=answers.append)
    (answer,) = told_of(producer, answers, count=1)
    assert "nowhere" in str(answer)
    producer.close(ACK_WITHIN)


def test_closing_tells_of_what_was_queued(world):
    """Nothing is left unanswered."""
    topic, answers = world.topic(), []
    producer = world.acking()
    producer.produce(topic, b"v", key=None, headers=None, on_ack=answers.append)
    producer.close(ACK_WITHIN)
    assert answers == [None]
