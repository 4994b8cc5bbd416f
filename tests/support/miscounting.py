"""A server whose totals are not what it has."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from etl.sandbox import Corpus, site
from etl.sandbox.answer import Request

_TOTAL = re.compile(rb'"total":(\d+)')


def overcounting(corpus: Corpus) -> AbstractContextManager[str]:
    """Serve a corpus with every total one too high: whatever comes from it is incomplete."""
    return miscounting(corpus, lambda query, total: total + 1)


@contextmanager
def miscounting(corpus: Corpus, miscount: Callable[[str, int], int]) -> Iterator[str]:
    """Serve a corpus with totals that `miscount` makes from the query string and the true total; yield the base URL."""

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            origin = f"http://{self.headers['Host']}"
            answer = site.respond(Request(path=path, query=query, origin=origin, headers={}), corpus)
            body = _TOTAL.sub(lambda found: b'"total":%d' % miscount(query, int(found[1])), answer.plain())
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
