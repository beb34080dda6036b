"""W&B online, against a server of the test's own: what arrives, and what one that is not well costs."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec

import pytest
from tests.trackers.conftest import LINES, merged, read_wandb

from audition.trackers.background import BackgroundTracker, Patience
from audition.trackers.wandb import Wandb

pytestmark = pytest.mark.skipif(
    find_spec("wandb") is None, reason="the extra `wandb` is not installed"
)

RUN = {
    "id": "1",
    "config": "{}",
    "project": {"id": "2", "name": "audition", "entity": {"id": "3", "name": "me"}},
}
ANSWERS = {
    "RunResumeStatus": {"model": {"bucket": None}},
    "UpsertBucket": {"upsertBucket": {"bucket": RUN, "inserted": True}},
    "CreateRunFiles": {"createRunFiles": {"runID": "1", "uploadHeaders": [], "files": []}},
}


class Server(ThreadingHTTPServer):
    """Speaks as much of W&B as a run needs; keeps the lines of history that it is given.

    `refusing` answers 401 to everything, and one that is `silent` nothing any more.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.history, self.refusing = [], False
        self.silent, self.over = threading.Event(), threading.Event()


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.server.silent.is_set():
            self.server.over.wait()
            return
        answer = {}
        if self.path == "/graphql":
            answer = {"data": ANSWERS.get(json.loads(body).get("operationName"), {})}
        elif self.path.endswith("/file_stream"):
            files = json.loads(body).get("files") or {}
            content = files.get("wandb-history.jsonl", {}).get("content", [])
            self.server.history += [json.loads(line) for line in content]
        known = self.path == "/graphql" or self.path.endswith("/file_stream")
        self.send_response(401 if self.server.refusing else 200 if known else 404)
        out = json.dumps(answer).encode()
        self.send_header("Content-Length", str(len(out)))
        self.end_headers()
        self.wfile.write(out)

    do_GET = do_PUT = do_POST

    def log_message(self, *words):
        pass


@pytest.fixture
def server(monkeypatch, tmp_path):
    server = Server()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("WANDB_API_KEY", "a" * 40)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(Wandb, "refused", "")
    yield server
    server.over.set()
    server.shutdown()
    server.server_close()


def shown(folder, between=lambda: None):
    """A page of LINES, with what happens before its end; what was said."""
    said = []
    # A busy machine takes longer than a run waits: what W&B says is to be heard in any case.
    patience = Patience(seconds=60.0)
    behind = BackgroundTracker("logger=wandb", Wandb(folder), said.append, patience)
    behind.begin(LINES[:2])
    for line in LINES[2:]:
        behind.take(line)
    between()
    behind.end("finished")
    return said


def test_the_server_has_every_line(server, folder):
    said = shown(folder)
    assert said == []
    rows = [{k: v for k, v in row.items() if not k.startswith("_")} for row in server.history]
    assert rows == [{k: v for k, v in row.items() if k != "step"} for row in merged(LINES)]
    assert [row["_step"] for row in server.history] == [row["step"] for row in merged(LINES)]


@pytest.mark.parametrize("ill", ["closed", "refusing", "silent"])
def test_a_key_that_no_server_takes_is_one_sentence(server, ledger, monkeypatch, ill):
    if ill == "closed":
        monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    server.refusing = ill == "refusing"
    if ill == "silent":
        server.silent.set()
    first, second, _ = map(ledger.folder_of, ledger.read().records)
    (said,) = shown(first)
    assert said.startswith("logger=wandb could not go online (Failed to get resume status")
    assert said.endswith("): it went on offline; all of it is in wandb/ of the run's folder, for "
                         "`wandb sync`")  # fmt: skip
    assert shown(second) == [said]
    for folder in (first, second):
        assert read_wandb(folder)[1] == merged(LINES)


def test_a_server_that_falls_silent_is_not_waited_for(server, folder):
    def silence():
        until = time.monotonic() + 20
        while not list(folder.glob("wandb/run-*/*.wandb")) and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(1)
        server.silent.set()

    (said,) = shown(folder, silence)
    assert said == (
        "logger=wandb could not end (TimeoutError: not all was uploaded in 5 s: all of it is in "
        "wandb/ of the run's folder, for `wandb sync`): it misses this run"
    )
    assert list(folder.glob("wandb/run-*/*.wandb"))
