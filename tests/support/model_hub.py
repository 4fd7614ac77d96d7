"""A server that plays the Hugging Face hub for one model, from a folder."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

COMMIT = "c" * 40


class ModelHub(BaseHTTPRequestHandler):
    """Answers the requests that a download makes."""

    model = ""
    folder = Path()

    def do_HEAD(self) -> None:
        """Answer the headers of a file."""
        self._answer()

    def do_GET(self) -> None:
        """Answer a file, the list of files, or the model's commit."""
        self._answer()

    def log_message(self, *_: object) -> None:
        """Keep quiet."""

    def _answer(self) -> None:
        path = self.path.partition("?")[0]
        if path == f"/api/models/{self.model}/revision/main":
            self._send(json.dumps({"id": self.model, "sha": COMMIT}).encode())
        elif path == f"/api/models/{self.model}/tree/{COMMIT}":
            self._send(json.dumps([*map(self._describe, self._names())]).encode())
        elif path.startswith(prefix := f"/{self.model}/resolve/"):
            name = path.removeprefix(prefix).partition("/")[2].removeprefix("./")
            if name in self._names():
                self._send((self.folder / name).read_bytes())
            else:
                self._refuse("EntryNotFound")
        else:
            self._refuse("RepoNotFound")

    def _names(self) -> list[str]:
        files = (path for path in self.folder.rglob("*") if path.is_file())
        return sorted(str(path.relative_to(self.folder)) for path in files)

    def _describe(self, name: str) -> dict[str, object]:
        content = (self.folder / name).read_bytes()
        oid = hashlib.sha1(content, usedforsecurity=False).hexdigest()
        return {"type": "file", "path": name, "size": len(content), "oid": oid}

    def _send(self, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("X-Repo-Commit", COMMIT)
        digest = hashlib.sha1(content, usedforsecurity=False).hexdigest()
        self.send_header("ETag", f'"{digest}"')
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def _refuse(self, code: str) -> None:
        self.send_response(404)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()


@contextmanager
def running_model_hub(model: str, folder: Path) -> Iterator[str]:
    """Run a hub that has one model; yield its address."""
    attributes = {"model": model, "folder": folder}
    handler = type("OneModelHub", (ModelHub,), attributes)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
