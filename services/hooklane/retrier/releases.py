"""Which waiting deliveries of a tier partition were released ahead of their turn ("send now").

A release is of one endpoint: its records that were appended at most at `cutoff_ms` go to the lane
at once, and count as finished where they lie. Those that this owner already read are in its offset
tracker. Those past it are told by the release itself, which rides in the commit's metadata: of this
endpoint everything from `first` on and below `up_to` is finished. So a release may reach over any
number of other endpoints' records, which stay.

A repeated command is harmless: what it would release is finished, or it was appended later.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from hooklane.domain.errors import BrokenContract
from hooklane.domain.offsets import METADATA_BYTES_MAX

FIELD = "r"
RELEASES_MAX = 16
ENDPOINT_ID_LENGTH_MAX = 29
# An endpoint id, a time and two offsets of 13 digits, and what separates them.
RELEASE_BYTES = ENDPOINT_ID_LENGTH_MAX + 3 * 14 + 2
# The version, the fields' names, and the checkpoint of trimming.
_OTHER_BYTES = 64
_TEXT = re.compile(r"([a-z0-9_]{1,29})/([0-9]{1,14})/([0-9]{1,18})/([0-9]{1,18})")


@dataclass(slots=True, kw_only=True)
class Release:
    """One endpoint's; `end` is where the log ended after it was asked for, once that is known."""

    endpoint_id: str
    cutoff_ms: int
    first: int
    up_to: int
    end: int | None = None
    is_done: bool = False
    rests_until: datetime | None = None

    @property
    def tells(self) -> bool:
        """Say whether anything is finished by it alone."""
        return self.first < self.up_to

    def catch_up(self, known_to: int) -> None:
        """Leave to the offset tracker what that knows by now."""
        if known_to >= self.up_to:
            self.first = self.up_to = known_to

    def advance(self, up_to: int, *, copied: Sequence[int]) -> None:
        """Note that everything below `up_to` was looked at, and these offsets copied."""
        if not self.tells:
            self.first = min(copied, default=up_to)
        self.up_to = up_to
        if self.end is not None and up_to >= self.end:
            self.is_done = True

    def text(self) -> str:
        """Write it for the metadata."""
        return f"{self.endpoint_id}/{self.cutoff_ms}/{self.first}/{self.up_to}"


class Releases:
    """Those of one partition: the active ones, at most 16, and those that wait for their turn."""

    def __init__(self, text: str | None = None) -> None:
        """Begin with what a commit's metadata says.

        Raises:
            BrokenContract: it can't be read; guessing would copy records twice.
        """
        self._active: dict[str, Release] = {}
        self._waiting: dict[str, int] = {}
        for part in (text or "").split(",") if text else ():
            found = _TEXT.fullmatch(part)
            if found is None:
                raise BrokenContract(f"release {part[:80]!r} can't be read")
            cutoff_ms, first, up_to = map(int, found.groups()[1:])
            self._active[found[1]] = Release(
                endpoint_id=found[1], cutoff_ms=cutoff_ms, first=first, up_to=up_to
            )

    def __bool__(self) -> bool:
        return bool(self._active or self._waiting)

    @property
    def span_max(self) -> int:
        """How many offsets the finished bitmap may span beside these."""
        return span_beside(len(self._active))

    def get(self, endpoint_id: str) -> Release | None:
        """Give an endpoint's active release."""
        return self._active.get(endpoint_id)

    def has_taken(self, endpoint_id: str, offset: int) -> bool:
        """Tell whether a record is finished by a release."""
        release = self._active.get(endpoint_id)
        return release is not None and release.first <= offset < release.up_to

    def ask(self, endpoint_id: str, *, cutoff_ms: int) -> None:
        """Ask for a release; one that is active already reaches further."""
        release = self._active.get(endpoint_id)
        if release is None:
            self._waiting[endpoint_id] = max(cutoff_ms, self._waiting.get(endpoint_id, 0))
        elif cutoff_ms > release.cutoff_ms:
            release.cutoff_ms, release.end, release.is_done = cutoff_ms, None, False

    def admit(self, *, known_to: int, prefix: int, horizon_ms: int) -> None:
        """Let the tracker have what it knows, end what is over, begin what there is room for.

        Args:
            known_to: below it the tracker tells every offset's fate.
            prefix: the tracker's.
            horizon_ms: what was appended before it is due anyway.
        """
        for endpoint_id, release in list(self._active.items()):
            release.catch_up(known_to)
            if release.cutoff_ms < horizon_ms:
                release.is_done = True
            if release.is_done and not release.tells:
                del self._active[endpoint_id]
        while self._waiting and self._has_room(known_to - prefix):
            endpoint_id, cutoff_ms = next(iter(self._waiting.items()))
            del self._waiting[endpoint_id]
            if cutoff_ms >= horizon_ms:
                self._active[endpoint_id] = Release(
                    endpoint_id=endpoint_id, cutoff_ms=cutoff_ms, first=known_to, up_to=known_to
                )

    def under_way(self, now: datetime) -> Iterator[Release]:
        """Give those that still have to look at records."""
        for release in self._active.values():
            if not release.is_done and (release.rests_until is None or release.rests_until <= now):
                yield release

    def text(self) -> str:
        """Write what a heir must know; empty for nothing."""
        return ",".join(release.text() for release in self._active.values() if release.tells)

    def _has_room(self, span: int) -> bool:
        count = len(self._active)
        return count < RELEASES_MAX and span <= span_beside(count + 1)


def span_beside(count: int) -> int:
    """Give how many offsets a bitmap may span in metadata that has so many releases too."""
    characters = METADATA_BYTES_MAX - _OTHER_BYTES - count * RELEASE_BYTES
    # Base64: three bytes, 24 offsets, in four characters.
    return characters // 4 * 24
