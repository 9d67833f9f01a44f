"""The other side of a delivery: what a receiver of webhooks needs, and one to try things on.

`verify` is the one file a receiver copies (standard library only): it says whether a request was
signed with a secret the receiver knows, recently. `sandbox` is a receiver for developers and
tests: it verifies, shows what came, and fails on purpose by path or rule.

Reads: HTTP requests on loopback. Decides: is the signature good; how to answer (`behaviour`).
Writes: one line a request, and the answer. Guarantees: bounded memory whatever is sent.
When it fails: the sender sees a broken connection, which is what it has to cope with anyway.
"""
