"""The two ways Hooklane posts: one port, two adapters, one contract suite.

`port` holds the words, `lean` is the default adapter (HTTP/1.1, our own connections),
`httpx_adapter` the other one (HTTP/2, proxies). Both judge every address they connect to through
`addresses.AddressPolicy`, never follow a redirect, bound what they read and keep, and turn whatever
a receiver does into an `Answer`, never into an exception.
"""
