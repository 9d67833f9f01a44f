"""The retrier: deliveries wait in tier topics and go back to their lanes when due.

Reads: `<prefix>.retry.<delay>`, every tier, as the group `<prefix>.retrier`; the endpoint table;
SendNow from `<prefix>.commands`, without a group; the tiers ahead of what is due, for a release.
Decides: when a delivery is due (its `not-before`, on our clock), whether it hops to another tier
first, and what its endpoint's state makes of it.
Writes, in one transaction with the tier offsets: the same Delivery bytes to the endpoint's lane or
to the next tier; Dead ones to `<prefix>.dead-letters`; an Attempt without a request for each that
is Dead or Cancelled; bytes that are no delivery to `<prefix>.rejected-events`.
Guarantees: nothing is copied before it is due, but what a SendNow asks for; each record is copied,
hopped, dead or cancelled exactly once, whatever is killed when; memory is bounded however much
waits, because of a tier only the head is held, and of what is read ahead nothing but the released.
When it fails: an aborted transaction rewinds to the last commit; Kafka away means waiting with
backoff, and what fell due meanwhile goes as soon as it is back.
"""
