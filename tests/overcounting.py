"""A server that counts one record more than it has: whatever comes from it is incomplete."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from etl.sandbox import Corpus, site
from etl.sandbox.answer import Request

_TOTAL = re.compile(rb'"total":(\d+)')


def one_more(found: re.Match[bytes]) -> bytes:
    return b'"total":%d' % (int(found[1]) + 1)


@contextmanager
def overcounting(corpus: Corpus) -> Iterator[str]:
    """Serve a corpus with every total one too high, and yield the base URL."""

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            origin = f"http://{self.headers['Host']}"
            answer = site.respond(Request(path=path, query=query, origin=origin, headers={}), corpus)
            body = _TOTAL.sub(one_more, answer.plain())
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
