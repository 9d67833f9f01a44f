"""The SDK of the control API, what the `hooklane` command itself uses, and of the ingest API.

    with Client("http://127.0.0.1:8080", api_key) as hooklane:
        endpoint = hooklane.create_endpoint(
            tenant="acme", url="https://hooks.example.com", subscription=["order.*"]
        )

    with Ingest("http://127.0.0.1:8070", publishers_key) as hooklane:
        event = hooklane.publish("order.created", {"order_id": …}, tenant="acme", id="o-1001")

Answers are the API's own objects, as dicts. Promises: a refusal is raised as the `Refused` it is
(NotFound, Conflict, Invalid) with the API's sentence, an API that can't be reached or is not well
as Unavailable; nothing is tried twice.
"""

from hooklane.client.api import Client
from hooklane.client.calls import Answer
from hooklane.client.ingest import Ingest

__all__ = ["Answer", "Client", "Ingest"]
