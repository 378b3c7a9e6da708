"""A hub of data sets, its server of rows and a host of raw files, with the faults that they have.

    hub.py DIR GOLDEN

Writes into DIR: port, and requests, a line for each request: host, path, range, token (or "-").
GOLDEN is tests/golden/parquet, whose files the data sets are made of.  Serves on 127.0.0.1, which is
also "localhost", the other host that large files are redirected to.

/api/datasets/ID/revision/REV        the listing
/datasets/ID/resolve/REV/PATH        a file; large ones (.parquet) by way of localhost
/splits /parquet /rows               the server of rows
/raw/OWNER/REPO/COMMIT/PATH          raw files

The owner "faults" has a data set per fault; "gated" wants a token.
"""
import gzip
import hashlib
import http.server
import io
import json
import os
import sys
import threading
import time
import zipfile
from urllib.parse import parse_qs, unquote, urlsplit

DIR, GOLDEN = sys.argv[1], sys.argv[2]
SHA = "0123456789abcdef0123456789abcdef01234567"
seen = {}
lock = threading.Lock()


def read(name):
    with open(os.path.join(GOLDEN, name), "rb") as f:
        return f.read()


ARC = [json.loads(line) for line in read("arc.jsonl").decode().splitlines()]
SNAPPY, ZSTD = read("arc_snappy.parquet"), read("arc_zstd.parquet")
MMLU = [{"question": "What is %d, \"really\"?" % i, "subject": "anatomy",
         "choices": ["%d" % i, "a, b", "no\nne", "all"], "answer": i % 4} for i in range(230)]
LINES = "".join(json.dumps(r) + "\n" for r in ARC[:7]).encode()
WIKI = [{"text": t} for t in ["", " = Title = \n", "", " A paragraph . \n"]]



def zipped(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, data in files.items():
            z.writestr(name, data)
    return out.getvalue()


PAGES = gzip.compress("".join(json.dumps({"text": "Page %d of the web." % i}) + "\n" for i in range(5)).encode())
EXAM = zipped({"val/law_val.csv": "id,question,A,B,C,D,answer\n0,q,a,b,c,d,B\n",
               "dev/law_dev.csv": "id,question,A,B,C,D,answer,explanation\n0,r,a,b,c,d,C,e\n"})

# ID: (licence, files, {(config, split): rows})
SETS = {
    "allenai/ai2_arc": ("cc-by-sa-4.0", {"README.md": b"# ARC", "ARC-Easy/test-00000-of-00001.parquet": SNAPPY,
                        "ARC-Easy/train-00000-of-00001.parquet": ZSTD,
                        "ARC-Challenge/test-00000-of-00001.parquet": SNAPPY},
                        {("ARC-Easy", "test"): ARC, ("ARC-Easy", "train"): ARC}),
    "cais/mmlu": ("mit", {"README.md": b""}, {("anatomy", "test"): MMLU, ("anatomy", "dev"): MMLU[:5]}),
    "HuggingFaceH4/MATH-500": (None, {"test.jsonl": LINES}, {}),
    "Salesforce/wikitext": (["cc-by-sa-3.0", "gfdl"], {}, {("wikitext-2-raw-v1", "test"): WIKI}),
    "allenai/c4": ("odc-by", {"en/c4-validation.00000-of-00008.json.gz": PAGES}, {}),
    "roneneldan/TinyStories": ("cdla-sharing-1.0", {"TinyStories-valid.txt": b"Once.<|endoftext|>\nTwice.\n"}, {}),
    "ceval/ceval-exam": ("cc-by-nc-sa-4.0", {"ceval-exam.zip": EXAM}, {}),
    "any/packed": ("mit", {"test.jsonl.gz": gzip.compress(LINES), "train.csv.gz": b"not packed",
                           "validation.json.gz": gzip.compress(b" " * (1 << 20) + b"[]")[:-9]},
                   {("default", "test"): ARC[:7], ("default", "train"): [], ("default", "validation"): []}),
    "any/two": ("mit", {}, {("one", "test"): MMLU[:3], ("two", "test"): MMLU[:4]}),
    "any/shards": ("mit", {"data/train-00000-of-00002-0a1b2c.parquet": SNAPPY,
                           "data/train-00001-of-00002-0a1b2c.parquet": ZSTD,
                           "data/test-00000-of-00002.parquet": SNAPPY}, {("default", "test"): ARC, ("default", "train"): ARC * 2}),
    "any/lines": ("mit", {"validation.jsonl": LINES, "test.csv": b"a,b\n1,x\n2,y\n"}, {("default", "validation"): ARC[:7], ("default", "test"): []}),
    "any/converted": ("mit", {}, {("default", "test"): ARC}),
    "gated/data": ("other", {"data/test-00000-of-00001.parquet": SNAPPY}, {("default", "test"): ARC}),
}
for name in ("cut", "long", "wrong", "lies", "slow"):
    SETS["faults/" + name] = ("mit", {"data/test-00000-of-00001.parquet": SNAPPY}, {("default", "test"): ARC})
SETS["faults/gitwrong"] = ("mit", {"test.jsonl": LINES}, {("default", "test"): ARC[:7]})
for name in ("escape", "busy", "otherrev", "skips", "short", "cutcell", "otherhost", "grows", "bomb", "slowrows",
             "norev", "partial", "splitname", "endless"):
    SETS["faults/" + name] = ("mit", {}, {("default", "test"): MMLU})


def git_sha1(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        with lock:
            seen[self.path] = seen.get(self.path, 0) + 1
            self.count = seen[self.path]
            with open(os.path.join(DIR, "requests"), "a") as f:
                f.write("%s %s %s %s\n" % (self.headers.get("Host", "-").split(":")[0], self.path,
                                           self.headers.get("Range", "-"), self.headers.get("Authorization", "-")))
        self.close_connection = True
        url = urlsplit(self.path)
        parts = unquote(url.path).strip("/").split("/")
        query = {k: v[0] for k, v in parse_qs(url.query).items()}
        if parts[0] == "api":
            return self.listing(parts[2:parts.index("revision")], parts[-1])
        if parts[0] in ("datasets", "cdn"):
            at = parts.index("resolve")
            return self.file("/".join(parts[1:at]), parts[at + 1], "/".join(parts[at + 2:]), parts[0] == "cdn")
        if parts[0] in ("splits", "parquet", "rows"):
            return getattr(self, parts[0])(query)
        if parts[0] == "raw":
            return self.send(b"Q: x\nA: y\n")
        self.send_error(404)

    def send(self, data, status=200, extra=(), limit=None, length=None):
        start, wanted = 0, self.headers.get("Range")
        etag = '"%s"' % hashlib.md5(data).hexdigest()
        if self.headers.get("If-Range") not in (None, etag):
            wanted = None
        if wanted and status == 200:
            start, status = int(wanted[6:].rstrip("-")), 206
        self.send_response(status)
        if status == 206:
            self.send_header("Content-Range", "bytes %d-%d/%d" % (start, len(data) - 1, len(data)))
        self.send_header("ETag", etag)
        for key, value in extra:
            self.send_header(key, value)
        self.send_header("Content-Length", str(length if length is not None else len(data) - start))
        self.end_headers()
        body = data[start:]
        self.wfile.write(body if limit is None else body[:limit])

    def document(self, value, revision=SHA, **how):
        extra = (("X-Revision", revision),) if revision else ()
        self.send(value if isinstance(value, bytes) else json.dumps(value).encode(), extra=extra, **how)

    def closed(self, owner):
        return owner == "gated" and self.headers.get("Authorization") != "Bearer hf_secret"

    def listing(self, ident, revision):
        name = "/".join(ident)
        if name == "faults/garbage":
            return self.document(b'{"sha": "\xff\xfe')
        if name == "faults/deep":
            return self.document(b"[" * 100000)
        if name == "faults/sha":
            return self.document({"sha": "../../..", "siblings": []})
        if self.closed(ident[0]):
            return self.send_error(401)
        if name not in SETS or revision not in ("main", SHA):
            return self.send_error(404)
        licence, files, _ = SETS[name]
        siblings = []
        for path, data in files.items():
            row = {"rfilename": path, "size": len(data), "blobId": git_sha1(data)}
            if path.endswith(".parquet"):
                row["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
            if name == "faults/lies":
                row["size"] += 10
            siblings.append(row)
        if name == "faults/escape":
            siblings.append({"rfilename": "../../../escaped.parquet", "size": 1})
        self.document({"id": name, "sha": SHA, "gated": ident[0] == "gated", "siblings": siblings,
                       "cardData": {"license": licence} if licence else None})

    def file(self, name, revision, path, direct):
        if self.closed(name.split("/")[0]) and not direct:
            return self.send_error(401)
        if revision == "refs/convert/parquet" or path.startswith("convert/"):
            data = SNAPPY
        else:
            data = SETS[name][1].get(path)
        if data is None:
            return self.send_error(404)
        if path.endswith(".parquet") and not direct:
            where = "http://localhost:%d/cdn/%s/resolve/%s/%s" % (self.server.server_port, name, revision, path)
            return self.send(b"", status=302, extra=(("Location", where),
                             ("X-Linked-Etag", '"%s"' % hashlib.sha256(data).hexdigest())))
        if name == "faults/cut":
            return self.send(data, limit=len(data) // 3)
        if name == "faults/long":
            return self.send(data, length=len(data) + 500)
        if name == "faults/wrong":
            return self.send(ZSTD + b"\0" * (len(data) - len(ZSTD)))
        if name == "faults/gitwrong":
            return self.send(data.replace(b"right", b"wrong"))
        if name == "faults/slow" and self.count == 1:
            self.send(data, limit=len(data) // 2)
            self.wfile.flush()
            time.sleep(60)
            return
        self.send(data)

    def splits(self, q):
        if q["dataset"] not in SETS:
            return self.send_error(404)
        rows = SETS[q["dataset"]][2]
        found = [{"dataset": q["dataset"], "config": c, "split": s} for c, s in rows]
        if q["dataset"] == "faults/splitname":
            found[0]["split"] = "../../x"
        self.document({"splits": found, "pending": [], "failed": []})

    def parquet(self, q):
        name = q["dataset"]
        where = "http://127.0.0.1:%d" % self.server.server_port
        if name == "faults/otherhost":
            where = "http://evil.invalid"
        files = []
        if name in ("any/converted", "faults/otherhost", "faults/otherrev"):
            files = [{"dataset": name, "config": q["config"], "split": q["split"], "filename": "0000.parquet",
                      "url": where + "/datasets/%s/resolve/refs%%2Fconvert%%2Fparquet/%s/%s/0000.parquet" % (
                          name, q["config"], q["split"]), "size": len(SNAPPY)}]
        self.document({"parquet_files": files, "partial": False},
                      revision="f" * 40 if name == "faults/otherrev" else SHA)

    def rows(self, q):
        name, offset, length = q["dataset"], int(q["offset"]), int(q["length"])
        if name not in SETS:
            return self.send_error(404)
        if name == "faults/busy" and self.count < 3:
            return self.send(b"{}", status=429, extra=(("Retry-After", "1"),))
        if name == "faults/endless":
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b" " * (1 << 20))
            except OSError:
                return
        if name == "faults/slowrows" and offset == 100 and self.count == 1:
            time.sleep(60)
        rows = SETS[name][2].get((q["config"], q["split"]))
        if rows is None:
            return self.send_error(404)
        page = [{"row_idx": offset + i, "row": r, "truncated_cells": []}
                for i, r in enumerate(rows[offset:offset + length])]
        total = len(rows)
        if name == "faults/skips" and offset == 100:
            page[3]["row_idx"] += 1
        if name == "faults/short" and offset == 200:
            page = []
        if name == "faults/cutcell":
            page[7]["truncated_cells"] = ["question"]
        if name == "faults/grows" and offset == 100:
            total += 1
        if name == "faults/bomb":
            total = 10 ** 30
        self.document({"features": [], "rows": page, "num_rows_total": total, "num_rows_per_page": 100,
                       "partial": name == "faults/partial"}, revision=None if name == "faults/norev" else SHA)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
with open(os.path.join(DIR, "port.new"), "w") as f:
    f.write(str(server.server_port))
os.rename(os.path.join(DIR, "port.new"), os.path.join(DIR, "port"))
server.serve_forever()
