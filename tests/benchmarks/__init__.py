"""Speed, measured as ratios against a yardstick of the same run: `make bench`.

The yardstick is a bare asyncio loop that POSTs the same body, signed beforehand, to the same
receiver: what Python can do when it does nothing that Hooklane promises. Runs are interleaved and
the median counts, because a machine's speed drifts.
"""
