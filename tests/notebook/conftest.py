"""A page of a notebook's output, for a real browser."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

__all__ = ["output_page"]


@pytest.fixture
def output_page() -> Iterator[Any]:
    """Serves a page with a cell's output, as a notebook would have it: `output_page.html`, at `output_page.url`."""
    page = SimpleNamespace(html="")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            head = "<!doctype html><html lang=en><meta name=color-scheme content='light dark'><title>Notebook</title>"
            body = f"{head}<main><h1>A notebook</h1>{page.html}</main></html>".encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        page.url = f"http://localhost:{server.server_port}/"
        yield page
        server.shutdown()
        thread.join(10)
