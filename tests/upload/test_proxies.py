"""Which proxy a request goes through."""

from __future__ import annotations

import pytest

from sampler.errors import SettingsError
from sampler.upload.proxies import proxy_for

URL = "https://queue.example:8443/v1/submissions"


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "http_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def test_nobody_says_anything() -> None:
    """Straight to the queue."""
    assert proxy_for(URL) is None


def test_the_environment_says_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """HTTPS_PROXY is for the queue, unless NO_PROXY names it; HTTP_PROXY is not."""
    monkeypatch.setenv("HTTP_PROXY", "http://other:1")
    monkeypatch.setenv("HTTPS_PROXY", "proxy:3128")
    assert proxy_for(URL) == "http://proxy:3128"
    monkeypatch.setenv("NO_PROXY", "localhost,.example")
    assert proxy_for(URL) is None


def test_the_settings_say_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """They stand above the environment, also where they say that there is none."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    assert proxy_for(URL, "http://u:p@mine:1") == "http://u:p@mine:1"
    assert proxy_for(URL, "none") is None


@pytest.mark.parametrize("proxy", ["socks5://u:hush@h:1", "http://", "http://h:99999", "http://h:x", "http://["])
def test_what_is_no_proxy(proxy: str) -> None:
    """It is refused, and a password in it is not repeated."""
    with pytest.raises(SettingsError) as caught:
        proxy_for(URL, proxy)
    assert "hush" not in str(caught.value)
