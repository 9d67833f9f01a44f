"""The bytes that are joined from parts are the codec's own."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from hooklane.adapters.codec import codec
from hooklane.adapters.fan_out import FanOut
from hooklane.domain.delivery import Trigger, first_headers, to_ms
from hooklane.domain.event import Event, SourcePosition
from hooklane.domain.ids import delivery_id
from hooklane.domain.matching import Match, Refusal
from hooklane.domain.topics import Topics
from support.matching import an_endpoint

AT = datetime(2026, 1, 1, tzinfo=UTC)
TOPICS = Topics(prefix="t")
FAN_OUTS = {
    (trigger, command_id): FanOut(TOPICS, trigger=trigger, command_id=command_id)
    for trigger, command_id in ((Trigger.EVENT, ""), (Trigger.REPLAY, "cmd_a"))
}


class Keeper:
    """Keeps what is produced."""

    def __init__(self):
        self.records = []

    def produce(self, topic, value, *, key, headers=None, partition=None):
        self.records.append((topic, partition, key, value, headers))


events = st.builds(
    Event,
    event_id=st.text(),
    tenant=st.text(max_size=200),
    event_type=st.just("order.created"),
    version=st.integers(1, 2**31 - 1),
    key=st.none() | st.binary(max_size=200),
    event_time=st.just(AT),
    source=st.builds(
        SourcePosition,
        topic=st.text(),
        partition=st.integers(0, 1000),
        offset=st.integers(0, 2**63 - 1),
    ),
    payload=st.binary(max_size=300) | st.just(b"x" * 20_000),
)


@given(
    event=events,
    endpoints=st.integers(0, 3),
    refused=st.integers(0, 2),
    table_offset=st.integers(0, 2**63 - 1),
    why=st.sampled_from(sorted(FAN_OUTS, key=str)),
)
def test_every_record_is_what_the_codec_would_write(
    *, event, endpoints, refused, table_offset, why
):
    """Deliveries in their lanes and the receipt, byte for byte."""
    match = Match(
        matched=tuple(an_endpoint("*") for _ in range(endpoints)),
        refused=tuple(Refusal(endpoint_id=f"ep_{n}", reason="r") for n in range(refused)),
    )
    keeper, headers = Keeper(), first_headers(at=AT)
    for _ in range(2):
        FAN_OUTS[why].write(keeper, event, match=match, table_offset=table_offset, headers=headers)
    shared = {
        "event_id": event.event_id,
        "tenant": event.tenant,
        "type": event.event_type,
        "version": event.version,
        "key": event.key,
        "event_time": to_ms(AT),
        "source": {
            "topic": event.source.topic,
            "partition": event.source.partition,
            "offset": event.source.offset,
        },
        "trigger": why[0].value,
        "table_offset": table_offset,
        "command_id": why[1],
    }
    expected = []
    for endpoint in match.matched:
        endpoint_id, lane = endpoint.endpoint_id, endpoint.placement
        made = delivery_id(
            event_id=event.event_id,
            endpoint_id=endpoint_id,
            trigger=why[0].value,
            command_id=why[1],
        )
        own = {"delivery_id": made, "endpoint_id": endpoint_id}
        body = {"content_type": "application/json", "payload": event.payload}
        value = codec("delivery").encode({**own, **shared, **body})
        expected.append((lane.topic, lane.partition, event.key, value, headers))
    receipt = {
        **shared,
        "matched": [endpoint.endpoint_id for endpoint in match.matched],
        "refused": [{"endpoint_id": r.endpoint_id, "reason": r.reason} for r in match.refused],
        "part": 0,
        "payload": event.payload if match.matched else None,
    }
    value = codec("match").encode(receipt)
    expected.append(("t.matches", None, event.event_id.encode(), value, None))
    assert keeper.records == expected * 2
