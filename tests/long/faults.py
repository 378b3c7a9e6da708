#!/usr/bin/env python3
"""faults.py PROGRAM TOOL_TINY [--points N] [--seed S] [--jobs J] [COMMAND...]

Refuses one allocation, write, fsync, rename, mmap or creation of a thread after another to each
command (tests/preload/fault.c).  Whatever was refused: no signal ends the program; it either does
its work all the same or says why not in one line; a file is there whole or not at all, nothing
lies beside it; the database has no defects; the same command, asked again, does its work.

--points: how many calls of each kind, spread by chance over all there are (0: each).
"""
import argparse, collections, concurrent.futures, filecmp, os, random, re, shutil, subprocess, sys
import tempfile

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "preload", "fault.c")
KINDS = ("alloc", "write", "fsync", "rename", "mmap", "thread")
# name: words; the files that it makes, of which '=' are the same bytes each time.  (A database that
# could not be switched to a write-ahead log works as well, in other bytes: so may a bundle's.)
COMMANDS = {
    "eval": ("eval tiny.gguf --tasks facts --limit 3 --seed 5 -t 2 -q --no-cache", []),
    "import": ("import lm/results.json --db other.db", []),
    "export": ("export last --format json -o out.json", ["=out.json"]),
    "copy": ("export last --format sqlite -o out.db", ["out.db"]),
    "lm-eval": ("export last --format lm-eval -o out.lm", []),
    "bundle": ("bundle make last -o out.tar", ["out.tar"]),
    "verify": ("bundle verify in.tar", []),
    "gate": ("gate --baseline last~1 --candidate last --policy policy.json --junit out.xml"
             " --markdown out.md", ["=out.xml", "=out.md"]),
    "compare": ("compare last~1 last", []),
    "report": ("report last -o out.md", ["out.md"]),
    "quantize": ("quantize tiny.gguf out.gguf --type q8_0 -q", ["=out.gguf"]),
    "runs": ("runs", []),
    "bench": ("bench tiny.gguf -p 8 -n 4 -r 1 -t 1 -q", []),
    "probe": ("probe tiny.gguf --tasks words.json --vary case", []),
    "run": ("run plan.json -q --db other.db", []),
    "nightly": ("nightly plan.json --now 2026-11-01 -q --db other.db", []),
    "show": ("show last", []),
    "items": ("items last --jsonl", []),
    "explain": ("explain last", []),
    "label": ("label last mine", []),
    "check": ("db check", []),
    "backup": ("db backup out.db", ["out.db"]),
    "vacuum": ("db vacuum", []),
    "prune": ("db prune --keep last=1,likelihoods=1", []),
    "density": ("density --source catalogue llama-2-7b", []),
    "ruler": ("ruler check pythia-piqa", []),
    "tracker": ("tracker -o out.md", ["out.md"]),
    "trend": ("trend --json", []),
    "handover": ("handover last~1 last -o out.md", ["out.md"]),
    "envelope": ("envelope --bandwidth 10 --gflops 100 -o out.md", ["out.md"]),
    "vendor": ("vendor compare in.tar", []),
    "key": ("bundle key out.key", ["out.key"]),
    "info": ("info tiny.gguf", []),
    "tokenize": ("tokenize tiny.gguf hello", []),
    "score": ("score tiny.gguf --jsonl pairs", []),
    "logits": ("logits tiny.gguf --ids 3,4,5 -o out.bin", ["=out.bin"]),
    "template": ("template tiny.gguf --vars chat.json", []),
    "generate": ("generate tiny.gguf hello -n 4", []),
    "shown": ("tasks show words.json", []),
    "checked": ("tasks check words.json", []),
    "new": ("tasks new mine --kind choice -q", ["=mine.json"]),
    "sources": ("tasks fetch --list", []),
    "models": ("models", []),
    "pull": ("pull --list", []),
    "devices": ("devices", []),
    "device": ("device new naive", ["=naive.c"]),
    "standards": ("verify --list", []),
    "help": ("help eval", []),
    "words": ("completions bash", []),
}
# What they read besides.
TEXTS = {
    "policy.json": '{"minimum_items": 2, "accuracy": {"margin": 0.05}}',
    "plan.json": '{"name": "demo", "models": ["tiny.gguf"], "settings": [{"threads": 1}], "tasks": '
                 '[{"tasks": "words.json", "bootstrap": 50}], "quiet": {"sample_s": 0.02}}',
    "pairs": '{"context": "a b", "continuation": " c"}\n',
    "chat.json": '{"messages": [{"role": "user", "content": "Hi"}]}',
}
MADE_BY_SQLITE = re.compile(r"(-wal|-shm|-journal|\.lock)$")
FAILED_CELL = re.compile(r"^(failed \(|FAILED CELL)", re.M) # a plan's cells are processes: a row says why
CELLS = re.compile(r"\.cells/") # what a plan measured and has not taken in: it goes on with that


class Ground:
    """A folder with a model, two runs and what commands read; copied for every try."""

    def __init__(self, program, tool, work):
        self.program, self.work = program, work
        self.library = os.path.join(work, "fault.so")
        self.folder = os.path.join(work, "ground")
        os.mkdir(self.folder)
        subprocess.run(["gcc", "-std=c11", "-D_GNU_SOURCE", "-O1", "-fPIC", "-shared", "-o",
                        self.library, SOURCE], check=True)
        subprocess.run([tool, os.path.join(self.folder, "tiny.gguf")], check=True,
                       stdout=subprocess.DEVNULL)
        for name, text in TEXTS.items():
            with open(os.path.join(self.folder, name), "w") as f:
                f.write(text)
        for words in ("eval tiny.gguf --tasks facts --limit 3 -t 1 -q --no-cache",
                      "eval tiny.gguf --tasks facts --limit 3 -t 2 -q --no-cache",
                      "bundle make last -o in.tar", "export last --format lm-eval -o lm",
                      "tasks new words --kind choice -q"):
            ended = self.run(self.folder, words)
            if ended.returncode != 0:
                sys.exit(f"{words}: {ended.stderr}")
        lm = os.path.join(self.folder, "lm")
        for name in os.listdir(lm):
            if name.startswith("results_"):
                os.rename(os.path.join(lm, name), os.path.join(lm, "results.json"))

    def run(self, folder, words, **env):
        home = {"HOME": folder, "XDG_DATA_HOME": folder + "/home", "TMPDIR": folder,
                "XDG_CACHE_HOME": folder + "/home", "DENSIMETER_DB": folder + "/results.db",
                "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
        return subprocess.run([self.program] + words.split(), cwd=folder, env={**home, **env},
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              errors="replace", timeout=120)

    def copy(self, name):
        to = os.path.join(self.work, name)
        shutil.copytree(self.folder, to)
        return to


def files(folder):
    return {os.path.relpath(os.path.join(d, f), folder) for d, _, names in os.walk(folder)
            for f in names}


class Command:
    """What a command does when nothing is refused, and how often it asks for what."""

    def __init__(self, ground, name):
        self.name, (self.words, self.makes) = name, COMMANDS[name]
        self.ground = ground
        self.reference = ground.copy("reference." + name)
        counts = os.path.join(ground.work, "counts." + name)
        ended = ground.run(self.reference, self.words, LD_PRELOAD=ground.library,
                           FAULT_COUNTS=counts)
        self.status, self.notes = ended.returncode, ended.stderr.splitlines()
        if self.status not in (0, 2):
            sys.exit(f"{name} fails by itself: {ended.stderr}")
        self.counts = collections.Counter()
        with open(counts) as f:
            for line in f:
                kind, n = line.split()
                self.counts[kind] += int(n)
        self.files = files(self.reference)

    def complaints(self, folder, ended):
        """What is not as it must be after one call was refused."""
        lines = [s for s in ended.stderr.splitlines() if s not in self.notes]
        if ended.returncode < 0 or ended.returncode >= 128:
            yield f"ended by signal or as by one ({ended.returncode})"
        said = [s for s in lines if s.startswith("densimeter: ")] or \
            [s for s in ended.stdout.splitlines() if FAILED_CELL.match(s)]
        if ended.returncode != self.status:
            if ended.returncode not in (1, 3):
                yield f"status {ended.returncode}"
            if not re.match(r".*: .*\w", said[-1] if said else ""):
                yield "no line says why"
            if self.status == 0 and len(said) != 1:
                yield f"{len(said)} lines say why"
        if any(not re.match(r"densimeter: |hint: ", s) for s in lines):
            yield "a line of another form"
        for name in files(folder) - self.files:
            if (ended.returncode == self.status if CELLS.search(name)
                    else not MADE_BY_SQLITE.search(name)):
                yield f"{name} is left"
        for made in self.makes:
            path = os.path.join(folder, made.lstrip("="))
            if not os.path.exists(path):
                if ended.returncode == self.status:
                    yield f"{made} is missing, and nothing says so"
            elif made[0] == "=" and not filecmp.cmp(path, os.path.join(
                    self.reference, made.lstrip("=")), shallow=False):
                yield f"{made} differs"
            elif os.path.getsize(path) == 0:
                yield f"{made} is empty"
            elif made == "out.tar" and self.ground.run(folder, "bundle verify out.tar").returncode:
                yield f"{made} is no good bundle"
        for db in ("results.db", "other.db", "out.db"):
            if not os.path.exists(os.path.join(folder, db)):
                continue
            checked = self.ground.run(folder, "db check --db " + db)
            if checked.returncode != 0 and "no results yet" not in checked.stderr:
                yield f"db check of {db}: {checked.stdout}{checked.stderr}"

    def attempt(self, kind, n):
        folder = self.ground.copy(f"{self.name}.{kind}.{n}")
        try:
            ended = self.ground.run(folder, self.words, LD_PRELOAD=self.ground.library,
                                    FAULT=f"{kind}:{n}")
            wrong = list(self.complaints(folder, ended))
            if ended.returncode != self.status and not wrong:
                failed_cell = FAILED_CELL.search(ended.stdout)
                again = self.ground.run(folder, self.words + (" --again" if failed_cell else ""))
                if again.returncode != self.status:
                    wrong.append(f"asked again: {again.returncode}, {again.stderr}")
                wrong += [f"{name} is left" for name in files(folder) if CELLS.search(name)]
        except subprocess.TimeoutExpired:
            return kind, n, False, ["did not end within two minutes"], ""
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return kind, n, ended.returncode != self.status, wrong, ended.stderr


def main():
    p = argparse.ArgumentParser()
    p.add_argument("program")
    p.add_argument("tool")
    p.add_argument("commands", nargs="*", metavar="COMMAND")
    p.add_argument("--points", type=int, default=12)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--jobs", type=int, default=os.cpu_count())
    o = p.parse_intermixed_args()
    bad = 0
    print(f"{'command':10} {'kind':8} {'calls':>8} {'refused':>8} {'said':>6} {'wrong':>6}")
    with tempfile.TemporaryDirectory() as work, \
            concurrent.futures.ThreadPoolExecutor(o.jobs) as pool:
        ground = Ground(os.path.abspath(o.program), os.path.abspath(o.tool), work)
        for name in o.commands or COMMANDS:
            c = Command(ground, name)
            chance = random.Random(f"{o.seed} {name}")
            todo = [(k, n) for k in KINDS for n in sorted(
                range(c.counts[k]) if o.points == 0 or c.counts[k] <= o.points
                else chance.sample(range(c.counts[k]), o.points))]
            tried, said, wrong = (collections.Counter() for _ in range(3))
            for kind, n, refused, why, text in pool.map(lambda a: c.attempt(*a), todo):
                tried[kind] += 1
                said[kind] += refused
                if why:
                    wrong[kind] += 1
                    print(f"FAILED: FAULT={kind}:{n} densimeter {c.words}\n    "
                          + "\n    ".join(why) + f"\n    it said: {text.strip()}")
            for kind in KINDS:
                if tried[kind]:
                    print(f"{name:10} {kind:8} {c.counts[kind]:8} {tried[kind]:8} "
                          f"{said[kind]:6} {wrong[kind]:6}", flush=True)
            bad += sum(wrong.values())
    print(f"{bad} wrong")
    return bad != 0


if __name__ == "__main__":
    sys.exit(main())
