"""The log that the recorder wrote, as the control plane reads it: every list in one class."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from hooklane.adapters.sql.attempts_history import SqlAttempts
from hooklane.adapters.sql.dead_letters_history import SqlDeadLetters
from hooklane.adapters.sql.receipts_history import SqlReceipts
from hooklane.adapters.sql.stats import SqlStats
from hooklane.adapters.sql.tables import endpoints


class SqlHistory(SqlAttempts, SqlDeadLetters, SqlReceipts, SqlStats):
    """Reads receipts, attempts, dead letters and their counts."""

    def endpoint_states(self, endpoint_ids: Collection[str]) -> dict[str, str]:
        """Give the state of each of these endpoints that exists."""
        columns = endpoints.c
        query = sa.select(columns.endpoint_id, columns.state).where(
            columns.endpoint_id.in_(list(endpoint_ids))
        )
        return {row["endpoint_id"]: row["state"] for row in self._rows(query)}
