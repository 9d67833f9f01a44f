from dataclasses import replace

from hooklane.control.drafts import Rules
from hooklane.domain.errors import BrokenContract
from support.control import draft


def test_headers_that_do_not_open_break_no_list(api, bench):
    """A sealing key that is no longer among ours is told, the endpoint is shown."""
    made = api.post("/v1/endpoints", json=draft(headers={"X-A": "1"})).json()

    def closed(_sealed, _endpoint_id):
        raise BrokenContract("key gone")

    rules = bench.desk.rules
    assert isinstance(rules, Rules)
    object.__setattr__(bench.desk, "rules", replace(rules, open_headers=closed))
    (name,) = api.get(f"/v1/endpoints/{made['id']}").json()["header_names"]
    assert name.startswith("(unreadable")
