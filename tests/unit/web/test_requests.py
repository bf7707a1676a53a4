from typing import Any, cast

import pytest
from litestar import Request

from core.settings import Settings, SettingsError
from web.requests import client_address, safe_path

PROXIES = "10.0.0.0/8, 192.168.1.7, 2001:db8::/32"


def address(peer: str | None, *forwarded: str, trusted: str = PROXIES) -> str:
    scope: dict[str, Any] = {
        "type": "http",
        "headers": [(b"x-forwarded-for", value.encode()) for value in forwarded],
        "client": (peer, 40000) if peer else None,
    }
    return client_address(Request(cast("Any", scope)), Settings(trusted_proxies=trusted))


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("10.1.2.3", ["203.0.113.9"], "203.0.113.9"),
        ("192.168.1.7", ["203.0.113.9"], "203.0.113.9"),
        ("10.1.2.3", ["203.0.113.9, 10.9.9.9"], "203.0.113.9"),
        ("2001:db8::1", ["2001:4860::8"], "2001:4860::8"),
        # A proxy seen through a socket that listens for both kinds of addresses.
        ("::ffff:10.1.2.3", ["203.0.113.9"], "203.0.113.9"),
        ("10.1.2.3", ["::ffff:203.0.113.9"], "203.0.113.9"),
        # Somebody inside the trusted network.
        ("10.1.2.3", ["10.4.5.6"], "10.4.5.6"),
    ],
)
def test_a_trusted_proxy_tells_the_client(peer: str, forwarded: list[str], client: str) -> None:
    assert address(peer, *forwarded) == client


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        ("192.168.1.8", ["198.51.100.1"], "192.168.1.8"),
        ("::ffff:203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        # What the client itself put in front, in the same header or in one of its own.
        ("10.1.2.3", ["198.51.100.1, 203.0.113.9"], "203.0.113.9"),
        ("10.1.2.3", ["198.51.100.1", "203.0.113.9"], "203.0.113.9"),
        ("10.1.2.3", ["198.51.100.1, 203.0.113.9, 10.9.9.9"], "203.0.113.9"),
        ("10.1.2.3", ["10.0.0.1, 203.0.113.9"], "203.0.113.9"),
    ],
)
def test_nobody_else_chooses_the_address_they_are_counted_under(
    peer: str, forwarded: list[str], client: str
) -> None:
    assert address(peer, *forwarded) == client


@pytest.mark.parametrize("forwarded", ["", "unknown", "x" * 500, "203.0.113.9, <script>"])
def test_what_is_no_address_is_not_taken_for_one(forwarded: str) -> None:
    assert address("10.1.2.3", forwarded) == "10.1.2.3"


def test_without_proxies_the_peer_is_the_client() -> None:
    assert address("10.1.2.3", "203.0.113.9", trusted="") == "10.1.2.3"
    assert address(None, "203.0.113.9") == ""


def test_a_proxy_that_is_no_address_is_told_at_the_start() -> None:
    environment = {"DATABASE_URL": "postgresql://db/jiebang", "SECRET_KEY": "s" * 64}
    with pytest.raises(SettingsError, match="TRUSTED_PROXIES"):
        Settings.from_environment({**environment, "TRUSTED_PROXIES": "10.0.0.0/8, proxy.example"})
    assert Settings.from_environment({**environment, "TRUSTED_PROXIES": PROXIES}).trusted_networks


@pytest.mark.parametrize(
    "path", ["/", "/account", "/challenges?q=a&page=2#top", "/challenges?q=叶片", "/a//b"]
)
def test_a_path_of_the_site_is_returned_to(path: str) -> None:
    assert safe_path(path) == path


@pytest.mark.parametrize(
    "target",
    [
        None,
        "",
        "account",
        "https://evil.example",
        "javascript:alert(1)",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        # Browsers drop tabs and line breaks before they read an address.
        "/\t/evil.example",
        "/\t\\evil.example",
        "/\n\\evil.example",
        "\t//evil.example",
        " //evil.example",
        "/account\r\nSet-Cookie: a=b",
        "/\x00/evil.example",
    ],
)
def test_a_redirect_never_leaves_the_site(target: str | None) -> None:
    assert safe_path(target) == "/"
