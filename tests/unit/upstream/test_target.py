import pytest

from lawgate.domain.errors import ConfigurationError
from lawgate.domain.limits import Limits
from lawgate.upstream.target import Proxy, Timeouts, UpstreamTarget, UpstreamTls


@pytest.mark.parametrize(
    ("url", "host", "port", "authority", "prefix"),
    [
        ("https://api.example", "api.example", 443, "api.example", ""),
        ("https://api.example/v1/", "api.example", 443, "api.example", "/v1"),
        ("http://127.0.0.1:8000/a/b", "127.0.0.1", 8000, "127.0.0.1:8000", "/a/b"),
        ("http://[::1]:80", "::1", 80, "[::1]", ""),
        ("https://[2001:db8::1]:8443", "2001:db8::1", 8443, "[2001:db8::1]:8443", ""),
        ("HTTPS://API.example:443", "api.example", 443, "api.example", ""),
    ],
)
def test_a_url(url: str, host: str, port: int, authority: str, prefix: str) -> None:
    target, path = UpstreamTarget.from_url(url)
    assert (target.host, target.port, target.authority, path) == (host, port, authority, prefix)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a",
        "api.example",
        "https://",
        "https://a?b",
        "https://a/#b",
        "https://a/b c",
        "https://a/\r\nx",
        "https://a:99999",
        "https://u:p@a",
        "https://[::1",
        "https://a..b\u00e9/",
    ],
)
def test_a_url_that_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError):
        UpstreamTarget.from_url(url)


def test_equal_targets_are_one_key() -> None:
    tls = UpstreamTls(pin_sha256=("ab",))
    one, _ = UpstreamTarget.from_url("https://a/x", tls)
    two, _ = UpstreamTarget.from_url("https://a/y", UpstreamTls(pin_sha256=("ab",)))
    other, _ = UpstreamTarget.from_url("https://a/x")
    assert {one: 1}[two] == 1
    assert one != other


def test_a_proxy_shows_no_password() -> None:
    proxy = Proxy.from_url("http://jane:s%40fe@proxy.example:3128")
    assert (proxy.host, proxy.port, proxy.authorization) == ("proxy.example", 3128, b"Basic amFuZTpzQGZl")
    assert "jane" not in repr(proxy)
    assert "amFu" not in repr(proxy)


@pytest.mark.parametrize("url", ["https://proxy", "http://proxy/path", "socks5://proxy", "proxy:3128"])
def test_a_proxy_that_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError):
        Proxy.from_url(url)


def test_timeouts_come_from_the_limits() -> None:
    limits = Limits(connect_s_max=1, time_to_first_byte_s_max=2, stream_idle_s_max=3, total_s_max=4)
    assert Timeouts.of(limits) == Timeouts(1, 2, 3, 4)
