"""What of a request is the same on every attempt, checked and rendered once per endpoint.

Reads an endpoint's URL and custom headers, promises that a `Target` can be written to a socket as
it is: no line break, no illegal character and no header that is ours to set gets past `target`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urlsplit

USER_AGENT = "Hooklane/1"
DEFAULT_PORTS = {"http": 80, "https": 443}
URL_CHARACTERS_MAX = 8_192
FIELDS_BYTES_MAX = 32_768

# Framing and connection headers belong to the adapters; the signature's belong to the signer.
FORBIDDEN = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
FORBIDDEN_PREFIXES = ("webhook-", "x-webhook-")

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_HOST_NAME = re.compile(r"[0-9A-Za-z_.-]+")
_UNSAFE_IN_URL = re.compile(r"[\x00-\x20\x7f\\\ud800-\udfff]")
# What a path and query may hold unescaped; a % is left alone, so escapes are never doubled.
_SAFE = "/?:@!$&'()*+,;=-._~%[]|^`{}\""

Origin = tuple[str, str, int, bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where an endpoint's requests go, and the head that each of them begins with.

    `head` is the request line, Host and the fixed headers, without the blank line; `path` includes
    the query; `origin` names whose connections may be shared.
    """

    url: str
    scheme: str
    host: str
    port: int
    path: str
    head: bytes
    fields: tuple[tuple[str, str], ...] = ()
    verify_tls: bool = True
    origin: Origin = ("", "", 0, True)


def target(url: str, headers: Mapping[str, str], *, verify_tls: bool = True) -> Target:
    """Prepare an endpoint's target.

    Args:
        url: absolute, http or https, without user and password; a fragment is left out.
        headers: fixed headers of every request; `content-type` may be among them.
        verify_tls: whether the receiver's certificate is checked.

    Raises:
        ValueError: one sentence that names the part of the URL or the header that is wrong.
    """
    parts = _split(url)
    host, port = _host(parts), _port(parts)
    path = quote(parts.path or "/", safe=_SAFE)
    if parts.query:
        path += "?" + quote(parts.query, safe=_SAFE)
    named = f"[{host}]" if ":" in host else host
    authority = named if port == DEFAULT_PORTS[parts.scheme] else f"{named}:{port}"
    fields = _fields(headers)
    lines = (f"POST {path} HTTP/1.1\r\nHost: {authority}\r\n".encode(), header_lines(dict(fields)))
    return Target(
        url=f"{parts.scheme}://{authority}{path}",
        scheme=parts.scheme,
        host=host,
        port=port,
        path=path,
        head=b"".join(lines),
        fields=fields,
        verify_tls=verify_tls,
        origin=(parts.scheme, host, port, verify_tls),
    )


def header_lines(headers: Mapping[str, str]) -> bytes:
    """Render headers as lines that each end in CRLF; refuse names and values that HTTP forbids.

    Raises:
        ValueError: naming the header.
    """
    for name, value in headers.items():
        if not _NAME.fullmatch(name):
            raise ValueError(f"header {name!r}: the name is not a legal header name")
        if not _VALUE.fullmatch(value):
            raise ValueError(f"header {name}: the value holds a character that HTTP forbids")
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("latin-1")


def _fields(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Check the custom headers, and add the user agent where none is given."""
    seen: set[str] = set()
    for name in headers:
        lower = name.lower()
        if lower in FORBIDDEN or lower.startswith(FORBIDDEN_PREFIXES):
            raise ValueError(f"header {name}: is set by Hooklane and cannot be overridden")
        if lower in seen:
            raise ValueError(f"header {name}: is given twice")
        seen.add(lower)
    agent = () if "user-agent" in seen else (("User-Agent", USER_AGENT),)
    fields = (*agent, *((name, value.strip(" \t")) for name, value in headers.items()))
    if len(header_lines(dict(fields))) > FIELDS_BYTES_MAX:
        raise ValueError(f"headers: more than {FIELDS_BYTES_MAX} bytes in all")
    return fields


def _split(url: str) -> SplitResult:
    """Take the URL apart; refuse what urlsplit would silently repair."""
    if len(url) > URL_CHARACTERS_MAX:
        raise ValueError(f"url: longer than {URL_CHARACTERS_MAX} characters")
    if _UNSAFE_IN_URL.search(url):
        raise ValueError("url: holds a space, a backslash or a control character")
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise ValueError(f"url: {error}") from None
    if parts.scheme not in DEFAULT_PORTS:
        raise ValueError("url: only http and https are supported")
    if "@" in parts.netloc:
        raise ValueError("url: user and password are not supported, use a header")
    return parts


def _host(parts: SplitResult) -> str:
    """Give the host in the form it has on the wire: IDNA, lower case, no brackets."""
    host = parts.hostname or ""
    if ":" in host:
        try:
            return str(ipaddress.IPv6Address("" if "%" in host else host))
        except ValueError:
            raise ValueError("url: the host is not an IPv6 address") from None
    try:
        wire = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        raise ValueError("url: the host is not a legal name") from None
    if not _HOST_NAME.fullmatch(wire) or len(wire) > 253 or ".." in wire or wire.startswith("."):
        raise ValueError("url: the host is missing or not a legal name")
    return wire


def _port(parts: SplitResult) -> int:
    """Give the port, the scheme's own where none is named."""
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise ValueError("url: the port is not between 1 and 65535")
    return port or DEFAULT_PORTS[parts.scheme]
