"""`adapters.store.KeyStore` over SQL: API keys, by their digests."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from hooklane.adapters.sql.engine import reading, writing
from hooklane.adapters.sql.rows import key_of
from hooklane.adapters.sql.tables import api_keys, tenants
from hooklane.adapters.store import KeptKey, PageRequest
from hooklane.domain.delivery import to_ms
from hooklane.domain.errors import Conflict, Invalid, NotFound

_OWN = api_keys.c


class SqlKeys:
    """The deployment's API keys."""

    def __init__(self, engine: Engine) -> None:
        """Keep the engine."""
        self._engine = engine

    def add_key(self, key: KeptKey, *, digest: str, keys_max: int) -> None:
        """Keep a new key.

        Raises:
            Invalid: its tenant does not exist.
            Conflict: there are `keys_max` keys that are not revoked.
        """
        with writing(self._engine) as connection:
            if key.tenant is not None:
                require_tenant(connection, key.tenant)
            live = sa.select(sa.func.count()).select_from(api_keys).where(_OWN.revoked_at.is_(None))
            if connection.execute(live).scalar_one() >= keys_max:
                raise Conflict(f"there are {keys_max} keys (keys_max): revoke one first")
            connection.execute(
                sa.insert(api_keys).values(
                    key_id=key.key_id,
                    digest=digest,
                    name=key.name,
                    tenant=key.tenant,
                    may_write=key.may_write,
                    created_at=to_ms(key.created_at),
                )
            )

    def key_of(self, digest: str) -> KeptKey | None:
        """Give the key of a digest, also a revoked one."""
        with reading(self._engine) as connection:
            found = connection.execute(sa.select(api_keys).where(_OWN.digest == digest)).mappings()
            row = found.first()
        return None if row is None else key_of(row)

    def keys(self, page: PageRequest, *, tenant: str | None = None) -> list[KeptKey]:
        """List keys, newest first."""
        query = sa.select(api_keys).order_by(_OWN.created_at.desc(), _OWN.key_id.desc())
        if tenant is not None:
            query = query.where(_OWN.tenant == tenant)
        if page.after is not None:
            at, last = page.after
            older, same = _OWN.created_at < at, _OWN.created_at == at
            query = query.where(sa.or_(older, sa.and_(same, _OWN.key_id < last)))
        with reading(self._engine) as connection:
            return [key_of(row) for row in connection.execute(query.limit(page.limit)).mappings()]

    def note_use(self, key_id: str, *, at: datetime) -> None:
        """Note that a key was used."""
        with writing(self._engine) as connection:
            connection.execute(_one(key_id).values(last_used_at=to_ms(at)))

    def revoke_key(self, key_id: str, *, at: datetime) -> KeptKey:
        """Revoke a key; one revoked before stays so since then.

        Raises:
            NotFound: there is none.
        """
        with writing(self._engine) as connection:
            connection.execute(
                _one(key_id).where(_OWN.revoked_at.is_(None)).values(revoked_at=to_ms(at))
            )
            found = connection.execute(sa.select(api_keys).where(_OWN.key_id == key_id)).mappings()
            row = found.first()
        if row is None:
            raise NotFound(f"no key {key_id!r}")
        return key_of(row)


def require_tenant(connection: Connection, name: str) -> None:
    """Refuse what would be of a tenant that is not there.

    Raises:
        Invalid: it does not exist.
    """
    query = sa.select(tenants.c.name).where(tenants.c.name == name)
    if connection.execute(query).first() is None:
        raise Invalid(f"tenant: there is no tenant {name!r}")


def _one(key_id: str) -> sa.Update:
    return sa.update(api_keys).where(_OWN.key_id == key_id)
