"""The client's calls on API keys and portal tokens."""

from __future__ import annotations

from collections.abc import Iterator

from hooklane.client.calls import Answer, Calls, segment


class KeyCalls(Calls):
    """Keys and tokens."""

    def create_key(self, name: str, *, tenant: str | None = None, may_write: bool = True) -> Answer:
        """Create an API key, of the whole deployment or of a tenant; its `key` is shown once."""
        body = {"name": name, "tenant": tenant, "may_write": may_write}
        return self._call("POST", "/v1/keys", json=body)

    def keys(self, *, tenant: str | None = None) -> Iterator[Answer]:
        """List all API keys, newest first, also revoked ones."""
        return self._pages("/v1/keys", {"tenant": tenant}, limit=None)

    def revoke_key(self, key_id: str) -> Answer:
        """Revoke an API key."""
        return self._call("DELETE", f"/v1/keys/{segment(key_id)}")

    def create_portal_token(
        self,
        tenant: str,
        *,
        endpoint_id: str | None = None,
        may_write: bool = False,
        expires_in_s: int = 3_600,
    ) -> Answer:
        """Create a token for a tenant's own people, or for one endpoint; it ends by itself."""
        body = {
            "tenant": tenant,
            "endpoint_id": endpoint_id,
            "may_write": may_write,
            "expires_in_s": expires_in_s,
        }
        return self._call("POST", "/v1/portal-tokens", json=body)
