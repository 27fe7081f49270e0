"""What the running dashboard answers, and what of its faults reaches the terminal: the command, asked over sockets."""

from __future__ import annotations

import http.client
import socket
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import optuna
import pytest

from hpstudy.search.storage import open_storage
from hpstudy.search.studies import open_part
from hpstudy.spec.study import Confirm, StudySpec
from tests.search.conftest import Lab
from tests.search.test_dashboard import asked, dashboard

HERE = ("127.0.0.1:{port}", "localhost:{port}", "LOCALHOST:{port}")
ELSEWHERE = (
    "evil.example:{port}",  # what DNS rebinding sends
    "evil.example",
    "127.0.0.1",
    "127.0.0.1:1",
    "127.0.0.1:{port}.evil.example",
    "[::1]:{port}",
    "0.0.0.0:{port}",
    "",
    None,
)
OWN_PAGE = ("http://127.0.0.1:{port}", "http://localhost:{port}")
OTHER_PAGES = ("http://evil.example", "http://127.0.0.1:1", "https://127.0.0.1:{port}", "http://127.0.0.1", "null", "")
GARBAGE = (
    b"\x00\x01\x02\xff\xfe\r\n\r\n",
    b"GET /\r\n",  # HTTP/0.9
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET " + b"/a" * 40_000 + b" HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n",
    b"POST /api/studies HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{",
    b"GET /%%ff/%%00\x1b[31m HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n",
    b"GET http://evil.example/ HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nHost: evil.example\r\n\r\n",
)


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """A storage with an empty study."""
    url = f"sqlite:///{tmp_path / 'lab.db'}"
    with open_storage(url) as storage:
        open_part(storage, "small")
    return url


def status(port: int, *, method: str = "GET", path: str = "/api/studies", **headers: str | None) -> int:
    """What a request is answered with; a header that is None is left out."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.putrequest(method, path, skip_host=True)
    for name, value in {"Host": HERE[0], **headers}.items():
        if value is not None:
            connection.putheader(name.replace("_", "-"), value.format(port=port))
    connection.endheaders()
    with connection.getresponse() as answer:
        answer.read()
        assert answer.status == 403 or answer.getheader("X-Frame-Options") == "SAMEORIGIN"
    connection.close()
    return answer.status


def sent(port: int, content: bytes) -> None:
    """Sends bytes and breaks the connection off, so that what the server still writes meets a reset."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        client.sendall(content % port if b"%d" in content else content)


def test_only_its_own_pages_and_programs_of_this_machine_are_answered(url: str, tmp_path: Path) -> None:
    with dashboard(url, tmp_path / "a") as (server, address):
        port = urlsplit(address).port
        assert port
        assert [status(port, Host=host) for host in HERE] == [200] * len(HERE)
        assert [status(port, Host=host) for host in ELSEWHERE] == [403] * len(ELSEWHERE)
        assert [status(port, Origin=origin) for origin in OWN_PAGE] == [200] * len(OWN_PAGE)
        for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS"):
            for origin in OTHER_PAGES:
                assert status(port, method=method, path="/api/studies/1", Origin=origin) == 403, (method, origin)
        for site in ("cross-site", "same-site"):
            assert status(port, method="DELETE", path="/api/studies/1", Sec_Fetch_Site=site) == 403
            assert status(port, Sec_Fetch_Site=site, Sec_Fetch_Mode="no-cors") == 403
            assert status(port, path="/dashboard", Sec_Fetch_Site=site, Sec_Fetch_Mode="navigate") == 200  # a link
            assert status(port, method="POST", Sec_Fetch_Site=site, Sec_Fetch_Mode="navigate") == 403  # a form
        assert status(port, method="DELETE", path="/api/studies/1", Host="evil.example") == 403
        assert [study["study_name"] for study in asked(f"{address}api/studies")["study_summaries"]] == ["small"]
        own = {"Origin": OWN_PAGE[1], "Sec_Fetch_Site": "same-origin"}
        assert status(port, method="DELETE", path="/api/studies/1", **own) == 204
        server.terminate()
        assert server.wait(timeout=10) == 0
        assert server.communicate() == ("", "")


def test_of_broken_requests_the_terminal_has_nothing_and_of_each_fault_one_line(url: str, tmp_path: Path) -> None:
    with dashboard(url, tmp_path / "a") as (server, address):
        port = urlsplit(address).port
        assert port
        for content in GARBAGE:
            sent(port, content)
        bundle = f"GET /static/bundle.js HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept-Encoding: gzip\r\n\r\n"
        for _ in range(5):  # large enough to be cut off while it is written
            sent(port, bundle.encode())
        assert status(port) == 200
        with sqlite3.connect(tmp_path / "lab.db") as connection:
            connection.execute("insert into study_user_attributes (study_id, key, value_json) values (1, 'a', '{bad')")
        assert [status(port, path="/api/studies/1") for _ in range(3)] == [500] * 3  # the dashboard logs a traceback
        with sqlite3.connect(tmp_path / "lab.db") as connection:
            connection.execute("drop table trials")
        assert [status(port, path="/csv/1") for _ in range(3)] == [500] * 3  # and here it raises
        server.terminate()
        assert server.wait(timeout=10) == 0
        out, errors = server.communicate()
    assert out == ""
    assert len(errors.splitlines()) == 2
    assert all(line.startswith("optuna-dashboard could not answer a request: ") for line in errors.splitlines())


def metric_of(lab: Lab, study: str) -> list[str] | None:
    return optuna.load_study(study_name=study, storage=lab.url).metric_names


def test_the_objective_has_its_name_in_each_part_of_a_study(lab: Lab, small_spec: StudySpec) -> None:
    lab.run(replace(small_spec, trials=1, epochs=1, confirm=Confirm(top=1, seeds=1)))
    assert metric_of(lab, "small") == ["validation accuracy"]
    assert metric_of(lab, "small/confirm") == ["test accuracy"]


def test_a_study_without_a_name_gets_it_when_it_goes_on_and_another_name_stays(lab: Lab, small_spec: StudySpec) -> None:
    lab.run(replace(small_spec, trials=1, epochs=1))
    first = lab.results().trials["value"].tolist()
    with sqlite3.connect(lab.folder / "lab.db") as connection:
        connection.execute("delete from study_system_attributes where key = 'study:metric_names'")
    assert metric_of(lab, "small") is None
    assert lab.results().trials["value"].tolist() == first
    lab.run(replace(small_spec, trials=2, epochs=1))
    assert metric_of(lab, "small") == ["validation accuracy"]
    with sqlite3.connect(lab.folder / "lab.db") as connection:
        connection.execute(
            "update study_system_attributes set value_json = '[\"mine\"]' where key like '%metric_names'"
        )
    lab.run(replace(small_spec, trials=3, epochs=1))
    assert metric_of(lab, "small") == ["mine"]
