"""What an endpoint's URL and headers become, and which are refused."""

from __future__ import annotations

import pytest

from hooklane.adapters.http.target import FORBIDDEN, header_lines, target


def test_the_head_holds_everything_that_does_not_change():
    """Request line, Host, agent and custom headers, each line ended, no blank line."""
    made = target("https://hooks.example/a/b?c=d#part", {"X-Own": "mine"})
    assert made.head == (
        b"POST /a/b?c=d HTTP/1.1\r\n"
        b"Host: hooks.example\r\n"
        b"User-Agent: Hooklane/1\r\n"
        b"X-Own: mine\r\n"
    )
    assert (made.scheme, made.host, made.port, made.path) == (
        "https",
        "hooks.example",
        443,
        "/a/b?c=d",
    )
    assert made.origin == ("https", "hooks.example", 443, True)


@pytest.mark.parametrize(
    ("url", "host_line", "path"),
    [
        ("http://h.example", b"h.example", "/"),
        ("http://h.example:80/", b"h.example", "/"),
        ("http://h.example:8080/", b"h.example:8080", "/"),
        ("https://h.example:80", b"h.example:80", "/"),
        ("HTTP://H.Example/X", b"h.example", "/X"),
        ("http://[2001:DB8::1]:81/", b"[2001:db8::1]:81", "/"),
        ("http://bücher.example/ö?ä=%20", b"xn--bcher-kva.example", "/%C3%B6?%C3%A4=%20"),
        ("http://h.example?q", b"h.example", "/?q"),
    ],
)
def test_a_url_is_put_in_the_form_of_the_wire(url, host_line, path):
    """Host and path go out in ASCII; the scheme's own port is left out."""
    made = target(url, {})
    assert b"\r\nHost: " + host_line + b"\r\n" in made.head
    assert made.path == path


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/relative",
        "ftp://h.example/",
        "file:///etc/passwd",
        "http://",
        "http:///path",
        "http://user:secret@h.example/",
        "http://h.example:0/",
        "http://h.example:65536/",
        "http://h.example:x/",
        "http://h.example/a b",
        "http://h.example/a\r\nHost: forged",
        "http://h.example\\@evil.example/",
        "http://h\x00.example/",
        "http://h.example/\ud800",
        "http://[::1",
        "http://[fe80::1%25eth0]/",
        "http://[nonsense]/",
        "http://a..b/",
        "http://.a/",
        "http://h_%41.example/",
        "http://" + "a" * 64 + "ü.example/",
        "http://h.example/" + "a" * 9_000,
    ],
)
def test_a_url_that_cannot_be_posted_to_is_refused(url):
    """Only absolute http and https URLs without credentials are targets."""
    with pytest.raises(ValueError, match=r"^url: "):
        target(url, {})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name.title(), "x") for name in sorted(FORBIDDEN)),
        ("webhook-id", "x"),
        ("Webhook-Signature", "x"),
        ("X-Webhook-Version", "2"),
        ("", "x"),
        ("X Own", "x"),
        ("X-Own:", "x"),
        ("X-Own\r\nHost", "x"),
        ("Ünicode", "x"),
        ("X-Own", "a\r\nb: c"),
        ("X-Own", "a\nb"),
        ("X-Own", "a\x00"),
        ("X-Own", "snow \u2603"),
        ("X-Own", "x" * 40_000),
    ],
)
def test_a_header_that_is_illegal_or_ours_is_refused(name, value):
    """Nothing given as a header can end its line, forge another, or override what we set."""
    with pytest.raises(ValueError, match="header"):
        target("http://h.example/", {name: value})


def test_a_header_given_twice_is_refused():
    """Names that differ in case alone are the same name."""
    with pytest.raises(ValueError, match="header x-own: is given twice"):
        target("http://h.example/", {"X-Own": "a", "x-own": "b"})


def test_a_given_user_agent_replaces_ours():
    """There is one user agent."""
    assert target("http://h.example/", {"user-agent": "own"}).head.lower().count(b"agent") == 1


def test_lines_of_an_attempt_are_rendered_and_checked_alike():
    """Each line ends in CRLF; latin-1 values pass, line breaks do not."""
    assert header_lines({"a": "1", "b": "é"}) == b"a: 1\r\nb: \xe9\r\n"
    with pytest.raises(ValueError, match="header a"):
        header_lines({"a": "1\r\n"})
