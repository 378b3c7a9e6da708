"""Servers that speak OpenAI's protocol, in the dialects that there are and with the faults that they have.

    openai.py DIR

Writes into DIR: port, and requests, a line of JSON for each POST: path, body, authorization.  Serves
on 127.0.0.1 until it is killed.  /MODE/v1/... is a server of its own kind:

echo     likelihoods by echo with logprobs, places of tokens included
plain    the same without the places
vllm     likelihoods by prompt_logprobs alone
llama    by the likeliest tokens that follow: echo is ignored, as llama.cpp's server does
mute     none
others   faults, named below; all but the named fault are as `echo`

Its model: a token is a blank and what follows it up to the next blank; its likelihood depends on the
token alone (nats() below), which the tests know.
"""
import http.server
import json
import os
import re
import sys
import threading
import time
import zlib

DIR = sys.argv[1]
VOCABULARY = [" alarm", " al", " some", " music", " so", " été", " 天气", " the", "\n"]
seen = {}
lock = threading.Lock()


def cut(text):
    return re.findall(r"\s?[^\s]+|\s", text)


def nats(token):
    return -0.25 - zlib.crc32(token.encode()) % 1000 / 250


def likeliest(token):
    return zlib.crc32(token.encode()) % 3 == 0


def echo(prompt, mode):
    tokens = ["<s>"] + cut(prompt) + [" and"]
    places, at = [], 0
    for i, t in enumerate(tokens):
        places.append(at)
        at += len(t) if i else 0
    values = [None] + [nats(t) for t in tokens[1:]]
    top = [None] + [{t: nats(t)} if likeliest(t) else {t: nats(t), " the": -0.01} for t in tokens[1:]]
    out = {"tokens": tokens, "token_logprobs": values, "top_logprobs": top, "text_offset": places}
    if mode == "plain":
        del out["text_offset"]
    if mode == "short":
        out["token_logprobs"] = values[:-3]
    if mode == "above":
        out["token_logprobs"] = [v and 1.5 for v in values]
    if mode == "nothing":
        out["token_logprobs"] = [None] * len(values)
    if mode == "back":
        out["text_offset"] = places[:-2] + [0, places[-1]]
    if mode == "cutprompt":
        out = {k: v[:3] for k, v in out.items()}
    if mode == "many":
        out = {k: v * 5000 for k, v in out.items()}
    return out


class Server(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def send(self, status, body, kind="application/json", **headers):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for k, v in headers.items():
            self.send_header(k.replace("_", "-"), v)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        mode = self.path.split("/")[1]
        if not self.path.endswith("/v1/models") or mode == "mute":
            return self.send(404, {"error": {"message": "no such path"}})
        self.send(200, {"data": [{"id": "small"}, {"id": "large"}]})

    def do_POST(self):
        mode, path = self.path.split("/")[1], "/".join(self.path.split("/")[3:])
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with lock:
            with open(os.path.join(DIR, "requests"), "a") as f:
                f.write(json.dumps([self.path, body, self.headers.get("Authorization")]) + "\n")
            seen[mode] = seen.get(mode, 0) + 1
        if mode == "down":
            return self.send(500, {"error": {"message": "out of memory"}})
        if mode == "flaky" and seen[mode] % 6 in (1, 2):
            return self.send(503 if seen[mode] % 6 == 1 else 500, b"<html>later</html>", "text/html", Retry_After="0")
        if mode == "html":
            return self.send(200, b"<html><body>Welcome to your router</body></html>", "text/html")
        if mode == "denied":
            return self.send(401, {"error": {"message": "Incorrect API key: %s" % self.headers.get("Authorization")}})
        if mode == "moved":
            return self.send(302, b"", Location="/echo/v1/" + path)
        if mode == "long":
            return self.send(400, {"error": {"message": "This model's maximum context length is 8 tokens"}})
        if mode == "huge":
            return self.huge()
        if mode == "drip":
            return self.drip()
        if body.get("stream"):
            return self.stream(mode, path, body)
        prompt = body["prompt"]
        choice = {"text": " and", "finish_reason": "length", "index": 0, "logprobs": None}
        if mode == "vllm" and "prompt_logprobs" in body:
            choice["prompt_logprobs"] = [None] + [
                {str(zlib.crc32(t.encode())): {"logprob": nats(t), "rank": 1 if likeliest(t) else 7,
                                               "decoded_token": t}} for t in cut(prompt)]
        elif mode == "llama" and "logprobs" in body:
            choice["logprobs"] = {"content": [{"token": " and", "top_logprobs": [
                {"token": t, "logprob": nats(t)} if t.isascii() else
                {"token": "\ufffd", "bytes": list(t.encode()), "logprob": nats(t)} for t in VOCABULARY]}]}
        elif mode not in ("vllm", "llama", "mute") and body.get("echo"):
            choice["text"] = prompt + " and"
            choice["logprobs"] = echo(prompt, mode)
        text = json.dumps({"object": "text_completion", "choices": [choice],
                           "usage": {"prompt_tokens": len(cut(prompt)) + 1, "completion_tokens": 1}})
        if mode == "nan":
            text = text.replace("-0.01", "NaN")
        self.send(200, text.encode())

    def huge(self):
        self.send_response(200)
        self.end_headers()
        try:
            self.wfile.write(b'{"choices":["')
            for _ in range(200):
                self.wfile.write(b"x" * (1 << 20))
        except OSError:
            pass

    def drip(self):
        self.send_response(200)
        self.end_headers()
        try:
            for _ in range(600):
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(0.05)
        except OSError:
            pass

    def stream(self, mode, path, body):
        """Answers with the last word asked, in upper case, and more."""
        chat = path == "chat/completions"
        prompt = body["messages"][-1]["content"] if chat else body["prompt"]
        words = [" The", " answer", " is", " " + str(len(prompt)), ".", "\n", "More"]
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        out = lambda d: self.wfile.write(b"data: " + (d if isinstance(d, bytes) else json.dumps(d).encode()) + b"\r\n\r\n")
        try:
            out(b'{"choices": []}')
            if mode == "error":
                return out({"error": {"message": "the engine is gone"}})
            if mode == "endless":
                while True:
                    out({"choices": [{"text": "x" * 65536}]})
            for i, w in enumerate(words):
                if mode == "break" and i == 3:
                    return None
                time.sleep(0.01)
                out({"choices": [{"delta": {"content": w}} if chat else {"text": w}]})
            out({"choices": [{"delta": {}, "text": "", "finish_reason": "stop"}]})
            if mode != "plain":
                out({"choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 8}})
            out(b"[DONE]")
        except OSError:
            pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
with open(os.path.join(DIR, "port.new"), "w") as f:
    f.write(str(server.server_port))
os.rename(os.path.join(DIR, "port.new"), os.path.join(DIR, "port"))
server.serve_forever()
