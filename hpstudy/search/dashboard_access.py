"""Who may ask the dashboard: programs of this machine, and the dashboard's own pages; no page of another site."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # modules of type checkers alone
    from _typeshed import OptExcInfo
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_NAMES = ("127.0.0.1", "localhost")
_OWN_SITE = ("same-origin", "none")  # none: typed, a bookmark, or no browser
_HTTP_PORT = "80"


def own_pages_alone(application: WSGIApplication) -> WSGIApplication:
    """The application, closed to requests that a page of another site makes a browser send.

    Any page that a user visits can have the browser ask an address of this machine, and with DNS rebinding such a page
    counts as the dashboard's own to the browser: its address is then the page's name. So the request must name
    127.0.0.1 or localhost with exactly the server's port (`Host`), and a page that it comes from must be one of the
    dashboard's (`Origin`). Without an origin, browsers say with `Sec-Fetch-Site` where a request comes from: from
    elsewhere only a link may be followed. Programs send neither header and are answered.

    Refused requests get 403 and one sentence. No other site may show the dashboard in a frame of its own, where a click
    could be led astray.
    """

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if fact := _refusal(environ):
            start_response("403 Forbidden", [("Content-Type", "text/plain; charset=utf-8")])
            return [f"{fact}; open http://{_NAMES[0]}:{environ['SERVER_PORT']}/ instead\n".encode()]
        return application(environ, _unframed(start_response))

    return answer


def _refusal(environ: WSGIEnvironment) -> str:
    """Why a request is not answered; empty for one that is."""
    own = _own_addresses(environ["SERVER_PORT"])
    if environ.get("HTTP_HOST", "").lower() not in own:
        return "this server answers requests for its own address alone"
    origin = environ.get("HTTP_ORIGIN")
    if origin is not None and origin.lower() not in {f"http://{address}" for address in own}:
        return "this server answers no page of another site"
    is_link = environ["REQUEST_METHOD"] == "GET" and environ.get("HTTP_SEC_FETCH_MODE") == "navigate"
    if environ.get("HTTP_SEC_FETCH_SITE", "none") not in _OWN_SITE and not is_link:
        return "this server answers no page of another site"
    return ""


def _own_addresses(port: str) -> set[str]:
    """What a browser that shows the server calls it; HTTP's own port is left out there."""
    with_port = {f"{name}:{port}" for name in _NAMES}
    return with_port | set(_NAMES) if port == _HTTP_PORT else with_port


def _unframed(start_response: StartResponse) -> StartResponse:
    def start(
        status: str, headers: list[tuple[str, str]], exc_info: OptExcInfo | None = None, /
    ) -> Callable[[bytes], object]:
        return start_response(status, [*headers, ("X-Frame-Options", "SAMEORIGIN")], exc_info)

    return start
