"""Reads one answer after another from a connection's bytes, within bounds; llhttp behind it.

No I/O: who has the bytes calls `feed`. Promises bounded memory whatever comes, and that bytes
behind an answer are noticed (`surplus`), so that they never become the next request's answer.

A receiver answers with the very same bytes for a second on end. Such an answer, where it comes in
one piece, is parsed once and then known by its bytes: that costs a tenth of parsing it.
"""

from __future__ import annotations

import httptools

from hooklane.adapters.http.answers import (
    BODY_BYTES_MAX,
    BODY_KEPT_BYTES,
    FIELDS_MAX,
    HEAD_BYTES_MAX,
    INTERIM_ANSWERS_MAX,
    ends_itself,
    is_final,
)

# Answers that came whole in one piece, by their bytes; a few are as good as many.
_KNOWN_MAX, _KNOWN_BYTES_MAX = 256, 1_024
_Known = tuple[int, list[tuple[bytes, bytes]], list[bytes], int]
_known: dict[bytes, _Known] = {}


class AnswerParser:
    """One connection's parser; `status`, `fields` and `body` are those of the answer under way."""

    __slots__ = (
        "_final",
        "_interim",
        "_limit",
        "_parser",
        "_size",
        "_status_read",
        "body",
        "body_kept_bytes",
        "complete",
        "fields",
        "keep_alive",
        "received",
        "status",
        "surplus",
    )

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self.body_kept_bytes = BODY_KEPT_BYTES
        self.clear()

    def clear(self) -> None:
        """Expect the next answer."""
        self.received = 0
        self.status = 0
        self.fields: list[tuple[bytes, bytes]] = []
        self.body: list[bytes] = []
        self.complete = False
        self.surplus = False
        self.keep_alive = False
        self._limit = HEAD_BYTES_MAX
        self._status_read = False
        self._final = False
        self._interim = 0
        self._size = 0

    def feed(self, piece: bytes) -> str:
        """Read bytes; say why there is no point in reading on, if there is none.

        An answer that is whole sets `complete`, and is no such reason.
        """
        known = None if self.received else _known.get(piece)
        if known is not None:
            self.received = len(piece)
            # Nobody writes into them.
            self.status, self.fields, self.body, self._size = known
            self.complete = self.keep_alive = True
            return ""
        fault = self._feed(piece)
        came_at_once = self.complete and self.received == len(piece) <= _KNOWN_BYTES_MAX
        if came_at_once and self.keep_alive and not self.surplus and not self._interim:
            self._learn(piece)
        return fault

    def _learn(self, piece: bytes) -> None:
        if len(_known) >= _KNOWN_MAX:
            _known.clear()
        _known[piece] = (self.status, self.fields, self.body, self._size)

    def _feed(self, piece: bytes) -> str:
        self.received += len(piece)
        over = self.received - self._limit
        if over > 0:
            piece = piece[:-over]
        try:
            self._parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            self.surplus = True
        except httptools.HttpParserError as error:
            self.surplus = True
            return "" if self.complete else f"not an HTTP answer: {error.__context__ or error}"
        return "the answer is too large" if over > 0 and not self.complete else ""

    @property
    def final_status(self) -> int | None:
        """Give the status of the answer under way, once its status line was read."""
        # A status line without a reason is not announced; a header behind it tells of it.
        read = self._status_read or self.fields
        status: int = self._parser.get_status_code() if read else 0
        return status if is_final(status) else None

    @property
    def kept_body(self) -> bytes:
        """Give the body's beginning."""
        body, size = self.body, self.body_kept_bytes
        return body[0][:size] if len(body) == 1 else b"".join(body)[:size]

    @property
    def is_whole(self) -> bool:
        """Tell whether the kept body is all of the answer's."""
        return self.complete and self._size <= self.body_kept_bytes

    def no_more(self) -> None:
        """Take in that the receiver closed: of a body without an announced end that is the end.

        Whether it came to that end nobody can tell, unless nothing of it came.
        """
        if self._final and not self._size and not ends_itself(self.fields):
            self.complete = True

    def forget(self) -> None:
        """Let go of llhttp, which holds our methods: then no cycle waits for the collector."""
        del self._parser

    # What llhttp calls.

    def on_message_begin(self) -> None:
        """Notice bytes behind the answer."""
        if self.complete:
            raise ValueError("bytes behind the answer")

    def on_status(self, _reason: bytes) -> None:
        """Note that version and status were read."""
        self._status_read = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header."""
        fields = self.fields
        if len(fields) >= FIELDS_MAX:
            raise ValueError("too many headers")
        fields.append((name, value))

    def on_headers_complete(self) -> None:
        """Note the status; let an interim answer pass."""
        self.status = status = self._parser.get_status_code()
        if status >= 200 or status == 101:
            self._status_read = self._final = True
            self.keep_alive = self._parser.should_keep_alive()
            self._limit = self.received + BODY_BYTES_MAX
            return
        self._interim += 1
        self._status_read = False
        self.fields.clear()
        if self._interim > INTERIM_ANSWERS_MAX or status < 100:
            raise ValueError("too many interim answers" if status >= 100 else "bad status")

    def on_body(self, piece: bytes) -> None:
        """Keep the body's beginning."""
        if self._size < self.body_kept_bytes:
            self.body.append(piece)
        self._size += len(piece)

    def on_message_complete(self) -> None:
        """Note that the answer is whole; an interim one is none."""
        self.complete = self._final
