"""Tests of `isthmus.data.download` against a server on this machine: what goes wrong on a network, one thing each."""

from __future__ import annotations

import hashlib
import io
import os
import re
import socket
import threading
import urllib.request
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from isthmus import atomic
from isthmus.data import download as module
from isthmus.data.download import Download, fetch
from isthmus.errors import DataError, OutputError

CONTENT = np.random.default_rng(0).integers(0, 256, 200_000, np.uint8).tobytes()
SUM = hashlib.sha256(CONTENT).hexdigest()


@dataclass
class Server:
    """A server whose pages are functions, and what it was asked for."""

    address: str = ""
    pages: dict = field(default_factory=dict)
    asked: list = field(default_factory=list)
    sent: list = field(default_factory=list)

    def url(self, page: str, behaviour=None) -> str:
        """Put a page up; without a behaviour there is none."""
        if behaviour:
            self.pages[f"/{page}"] = behaviour
        return f"{self.address}/{page}"


@pytest.fixture
def server(monkeypatch):
    """A server that runs while a test does, reached without any proxy."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(module, "TIMEOUT", 5.0)
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            state.asked.append((self.path, self.headers.get("Range")))
            page = state.pages.get(self.path)
            if page is None:
                self.send_error(404)
            else:
                page(self)

        def answer(self, status, body, length=None, **headers):
            self.send_response(status)
            if length != "none":
                self.send_header("Content-Length", str(len(body) if length is None else length))
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            state.sent.append(len(body))
            self.wfile.write(body)

        def log_message(self, *words):
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.address = f"http://127.0.0.1:{running.server_port}"
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield state
    running.shutdown()
    running.server_close()
    thread.join()


def whole(content=CONTENT):
    """A page that gives what it is asked for, from any byte on."""

    def page(handler):
        asked = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        if asked is None:
            return handler.answer(200, content)
        start = int(asked[1])
        if start >= len(content):
            return handler.send_error(416)
        said = f"bytes {start}-{len(content) - 1}/{len(content)}"
        return handler.answer(206, content[start:], Content_Range=said)

    return page


def fixed(body=CONTENT, length=None, status=200, **headers):
    """A page that answers the same to everything."""
    return lambda handler: handler.answer(status, body, length, **headers)


def cut_once(after):
    """A page that breaks off the first time, and is whole from then on."""
    times = []

    def page(handler):
        times.append(1)
        (fixed(CONTENT[:after], len(CONTENT)) if len(times) == 1 else whole())(handler)

    return page


def wanted(*urls, content=CONTENT):
    """What a test fetches."""
    return Download("set/file.bin", len(content), hashlib.sha256(content).hexdigest(), urls)


def names(folder):
    """The files below a folder."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_the_right_file(server, tmp_path):
    """A file comes as it is, in folders that are made, with one request and nothing beside it."""
    path = fetch(wanted(server.url("a", whole())), tmp_path / "new")
    assert path.read_bytes() == CONTENT
    assert names(tmp_path) == ["new/set/file.bin"]
    assert server.asked == [("/a", None)]


def test_a_file_that_is_there_is_not_asked_for(server, tmp_path):
    """A second call needs no network."""
    for _ in range(2):
        fetch(wanted(server.url("a", whole())), tmp_path)
    assert len(server.asked) == 1


def test_another_file_in_its_place_is_left_alone(server, tmp_path):
    """A file that somebody put there is neither used nor replaced."""
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "file.bin").write_bytes(b"mine")
    with pytest.raises(DataError, match=r"file\.bin is not the file that belongs there: .* remove or rename it"):
        fetch(wanted(server.url("a", whole())), tmp_path)
    assert (tmp_path / "set" / "file.bin").read_bytes() == b"mine"
    assert server.asked == []


def test_a_wrong_checksum(server, tmp_path):
    """A file of the right size and another content is not kept."""
    other = bytes(len(CONTENT))
    with pytest.raises(
        DataError, match=r"127\.0\.0\.1:\d+ has another file \(SHA-256 .*\)\. Try again later, or fetch"
    ):
        fetch(wanted(server.url("a", whole(other))), tmp_path)
    assert names(tmp_path) == []


def test_cut_off_and_resumed_at_once(server, tmp_path):
    """After an answer that broke off, only the rest is asked for and sent."""
    assert fetch(wanted(server.url("a", cut_once(70_000))), tmp_path).read_bytes() == CONTENT
    assert server.asked == [("/a", None), ("/a", "bytes=70000-")]
    assert server.sent == [70_000, 130_000]


def test_cut_off_is_kept_for_the_next_run(server, tmp_path):
    """When no mirror goes on, what came stays, and the next run asks for the rest only."""
    broken = wanted(server.url("a", fixed(CONTENT[:70_000], len(CONTENT))))
    with pytest.raises(
        DataError, match=r"was cut off after 70,000 of 200,000 bytes.* kept in .*file\.bin\.part: do the"
    ):
        fetch(broken, tmp_path)
    assert names(tmp_path) == ["set/file.bin.part"]
    server.asked.clear(), server.sent.clear()
    assert fetch(wanted(server.url("b", whole())), tmp_path).read_bytes() == CONTENT
    assert server.asked == [("/b", "bytes=70000-")]
    assert server.sent == [130_000]
    assert names(tmp_path) == ["set/file.bin"]


def test_one_mirror_goes_on_where_another_was_cut_off(server, tmp_path):
    """Mirrors have the same bytes, so the second is asked for the rest only."""
    urls = server.url("a", fixed(CONTENT[:70_000], len(CONTENT))), server.url("b", whole())
    assert fetch(wanted(*urls), tmp_path).read_bytes() == CONTENT
    assert server.asked[-1] == ("/b", "bytes=70000-")


def test_a_server_that_ignores_ranges(server, tmp_path):
    """An answer that starts at the beginning replaces what was there."""
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "file.bin.part").write_bytes(CONTENT[:1000])
    assert fetch(wanted(server.url("a", fixed())), tmp_path).read_bytes() == CONTENT
    assert server.asked == [("/a", "bytes=1000-")]


@pytest.mark.parametrize("said", ["bytes 0-199999/200000", "bytes 1000-199999/300000", "bytes 1000-999999/*", "", "x"])
def test_a_server_that_gives_another_range(server, tmp_path, said):
    """A range that was not asked for is not used; the file is asked for as a whole."""
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "file.bin.part").write_bytes(CONTENT[:1000])

    def page(handler):
        partial = handler.headers.get("Range")
        (fixed(bytes(199_000), status=206, Content_Range=said) if partial else whole())(handler)

    assert fetch(wanted(server.url("a", page)), tmp_path).read_bytes() == CONTENT
    assert server.asked == [("/a", "bytes=1000-"), ("/a", None)]


@pytest.mark.parametrize(
    ("said", "right"),
    [
        ("bytes 10-99/100", True),
        ("bytes 10-49/*", True),
        ("bytes 11-99/100", False),
        ("bytes 10-100/100", False),
        ("bytes 10-99/101", False),
        ("pages 10-99/100", False),
    ],
)
def test_the_range_asked_for(said, right):
    """An answer may stop early, but starts at the byte asked for and belongs to a file of the right size."""
    assert module._range_is_right(said, 10, 100) is right


@pytest.mark.parametrize(("each", "asked"), [(0, 1), (1_000, 5)])
def test_a_server_that_keeps_breaking_off(server, tmp_path, each, asked):
    """A mirror that brings nothing is left at once; one that brings little, after five attempts."""

    def page(handler):
        start = int((handler.headers.get("Range") or "bytes=0-")[6:-1])
        said = f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"
        body, rest = CONTENT[start : start + each], len(CONTENT) - start
        handler.answer(206 if start else 200, body, rest, Content_Range=said)

    with pytest.raises(DataError, match=rf"cut off after {asked * each:,} of 200,000 bytes"):
        fetch(wanted(server.url("a", page)), tmp_path)
    assert len(server.asked) == asked


@pytest.mark.parametrize("part", [bytes(1000), bytes(300_000), bytes(len(CONTENT)), CONTENT])
def test_any_part_of_an_earlier_run(server, tmp_path, part):
    """A part that is wrong, too long or whole already ends in the right file."""
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "file.bin.part").write_bytes(part)
    assert fetch(wanted(server.url("a", whole())), tmp_path).read_bytes() == CONTENT
    assert names(tmp_path) == ["set/file.bin"]
    assert len(server.asked) == {CONTENT: 0, bytes(1000): 2}.get(part, 1)


def test_a_server_that_refuses_the_range(server, tmp_path):
    """Told that there is nothing from that byte on, the whole file is asked for."""
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "file.bin.part").write_bytes(CONTENT[:1000])

    def page(handler):
        handler.send_error(416) if handler.headers.get("Range") else whole()(handler)

    assert fetch(wanted(server.url("a", page)), tmp_path).read_bytes() == CONTENT


def test_the_second_mirror(server, tmp_path):
    """Where the first mirror has no such file, the second is asked."""
    assert fetch(wanted(server.url("gone"), server.url("b", whole())), tmp_path).read_bytes() == CONTENT
    assert [page for page, _ in server.asked] == ["/gone", "/b"]


def test_no_mirror_has_it(server, tmp_path):
    """The error says what each mirror answered, and where to put the file by hand; nothing stays behind."""
    urls = server.url("gone"), server.url("b", lambda handler: handler.send_error(503))
    where = re.escape(str(tmp_path / "set" / "file.bin"))
    with pytest.raises(
        DataError, match=rf"answers 404 \(.*; .* answers 503 .*fetch {urls[0]} by hand, put it at {where}"
    ):
        fetch(wanted(*urls), tmp_path)
    assert names(tmp_path) == []


def test_no_server(monkeypatch, tmp_path):
    """Where nobody listens, the error says so in one line."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(DataError, match=r"127\.0\.0\.1:\d+ cannot be reached \(.*\)\. Try again later") as caught:
        fetch(wanted(f"http://127.0.0.1:{port}/a"), tmp_path)
    assert "\n" not in str(caught.value)


def test_a_silent_server(server, tmp_path, monkeypatch):
    """A server that takes the question and never answers is given up."""
    monkeypatch.setattr(module, "TIMEOUT", 0.2)
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(DataError, match=r"cannot be reached \(timed out\)"),
    ):
        fetch(wanted(f"http://127.0.0.1:{silent.getsockname()[1]}/a"), tmp_path)


def test_a_larger_file_is_refused_before_it_is_read(server, tmp_path):
    """A length that is not the expected one is enough to go on to the next mirror."""
    with pytest.raises(DataError, match=r"has another file \(200,001 bytes, expected 200,000\)"):
        fetch(wanted(server.url("a", whole(CONTENT + b"!"))), tmp_path)
    assert names(tmp_path) == []


def test_more_bytes_than_expected_are_not_written(server, tmp_path):
    """A server that does not say how much it sends is stopped at the expected size."""
    with pytest.raises(DataError, match="sends more than the 200,000 bytes expected"):
        fetch(wanted(server.url("a", fixed(CONTENT * 2, "none"))), tmp_path)
    assert names(tmp_path) == []


def test_a_redirect(server, tmp_path):
    """A redirect on this machine is followed; it changes nothing about where the file goes."""
    server.url("b", whole())
    start = server.url("a", fixed(b"", status=302, Location="/b"))
    assert fetch(wanted(start), tmp_path) == tmp_path / "set" / "file.bin"


@pytest.mark.parametrize("to", ["http://example.org/x", "ftp://127.0.0.1/x", "file:///etc/passwd", "http://[x/"])
def test_a_redirect_to_where_we_do_not_go(server, tmp_path, to):
    """Neither plain http elsewhere nor another scheme is followed."""
    with pytest.raises(DataError, match=r"which is not https|answers 302|cannot be reached"):
        fetch(wanted(server.url("a", fixed(b"", status=302, Location=to))), tmp_path)


@pytest.mark.parametrize("url", ["http://example.org/a", "ftp://example.org/a", "file:///etc/passwd"])
def test_only_https(tmp_path, url):
    """Nothing but https is spoken, except with this machine."""
    with pytest.raises(DataError, match=r"leads to .*, which is not https"):
        fetch(wanted(url), tmp_path)


def test_an_https_mirror_cannot_lead_into_this_machine():
    """Only this machine itself may lead to plain http on it; an answer that is not followed is closed."""
    redirect, answer = module._Redirects().redirect_request, io.BytesIO()
    request = urllib.request.Request("https://example.org/a")
    with pytest.raises(module._MirrorError, match="which is not https"):
        redirect(request, answer, 302, "Found", {}, "http://localhost/x")
    assert answer.closed
    assert redirect(request, io.BytesIO(), 302, "Found", {}, "https://example.org/b").full_url.endswith("/b")


def test_the_name_is_never_the_servers(server, tmp_path):
    """A name that the server suggests is not even read."""
    page = fixed(Content_Disposition='attachment; filename="../../evil"')
    fetch(wanted(server.url("a", page)), tmp_path)
    assert names(tmp_path) == ["set/file.bin"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such lock; there the checksum finds it out")
def test_two_at_once(server, tmp_path):
    """While one process downloads, another is told so, and does not disturb it."""
    path = tmp_path / "set" / "file.bin"
    path.parent.mkdir()
    with atomic.open_to_resume(path) as part:
        with pytest.raises(OutputError, match=r"file\.bin\.part' is being written by another process"):
            fetch(wanted(server.url("a", whole())), tmp_path)
        part.write(CONTENT)
    assert path.read_bytes() == CONTENT


def test_nothing_is_drawn_off_a_terminal(server, tmp_path, capsys):
    """Where nobody watches, a download is silent."""
    fetch(wanted(server.url("a", whole())), tmp_path)
    assert capsys.readouterr() == ("", "")
