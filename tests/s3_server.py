"""As much of the S3 protocol as the storage speaks, in memory: objects, listing, uploads in parts. For tests."""

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

MISSING = "<Error><Code>NoSuchKey</Code><Message>no such key</Message></Error>"


class Bucket:
    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        # Id of an upload in parts -> its parts by number.
        self.uploads: dict[str, dict[int, bytes]] = {}
        self.finished_uploads = 0
        self.lock = threading.Lock()


class S3Server:
    """Serves one bucket on a port of its own while the block runs."""

    def __init__(self) -> None:
        self.bucket = bucket = Bucket()

        class Handler(_Handler):
            pass

        Handler.bucket = bucket
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    bucket: Bucket

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass

    def _asked(self) -> tuple[str, dict[str, str]]:
        """Key without the bucket's name, and the query."""
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        return unquote(parts.path).lstrip("/").partition("/")[2], query

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def _answer(self, status: int, body: bytes | str = b"", **headers: str) -> None:
        content = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        self.send_header("last-modified", "Tue, 24 Nov 2026 00:00:00 GMT")
        for name, value in {"etag": '"0"', **headers}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def do_PUT(self) -> None:
        key, query = self._asked()
        body = self._body()
        with self.bucket.lock:
            if "uploadId" in query:
                self.bucket.uploads[query["uploadId"]][int(query["partNumber"])] = body
            else:
                self.bucket.objects[key] = body
        self._answer(200)

    def do_POST(self) -> None:
        key, query = self._asked()
        body = self._body().decode()
        with self.bucket.lock:
            if "uploads" in query:
                upload_id = f"upload-{len(self.bucket.uploads) + self.bucket.finished_uploads}"
                self.bucket.uploads[upload_id] = {}
                self._answer(
                    200,
                    f"<InitiateMultipartUploadResult><UploadId>{upload_id}</UploadId>"
                    "</InitiateMultipartUploadResult>",
                )
                return
            parts = self.bucket.uploads.pop(query["uploadId"])
            self.bucket.finished_uploads += 1
            wanted = [int(number) for number in re.findall(r"<PartNumber>(\d+)<", body)]
            self.bucket.objects[key] = b"".join(parts[number] for number in wanted)
        self._answer(200, "<CompleteMultipartUploadResult><ETag>0</ETag></CompleteMultipartUploadResult>")

    def do_GET(self) -> None:
        key, query = self._asked()
        if "list-type" in query:
            prefix = query.get("prefix", "")
            found = "".join(
                f"<Contents><Key>{escape(name)}</Key><Size>{len(body)}</Size>"
                "<LastModified>2026-11-24T00:00:00.000Z</LastModified><ETag>0</ETag></Contents>"
                for name, body in sorted(self.bucket.objects.items())
                if name.startswith(prefix)
            )
            self._answer(200, f"<ListBucketResult><IsTruncated>false</IsTruncated>{found}</ListBucketResult>")
        elif key in self.bucket.objects:
            self._answer(200, self.bucket.objects[key])
        else:
            self._answer(404, MISSING)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_DELETE(self) -> None:
        key, query = self._asked()
        with self.bucket.lock:
            if "uploadId" in query:
                self.bucket.uploads.pop(query["uploadId"], None)
            else:
                self.bucket.objects.pop(key, None)
        self._answer(204)
