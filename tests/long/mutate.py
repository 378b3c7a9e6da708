#!/usr/bin/env python3
"""mutate.py [--mutants N] [--seed S] [--jobs J] [--mode MODE] [AREA | FILE.c:LINE ...]

Are mistakes noticed?  One operator or constant of a source file at a time is made wrong, the file
alone is compiled again, and the test programs that answer for it are linked with that object and
run: a mutant is killed when one of them fails, crashes or does not end.  Those that survive are
printed with their place.  A mutant whose object is the same, byte for byte, is no mutant.

N mutants an area (0: all) are drawn by chance from the seed.  FILE.c:LINE tries each of that line.
Nothing below build/MODE changes; make built the programs before.
"""
import argparse, concurrent.futures, filecmp, glob, os, random, re, shlex, subprocess, sys, tempfile
import threading, time

# area: rows of files and the programs that answer for them
AREAS = {
    "statistics": [
        (["harness/stats_trend.c", "harness/stats_frontier.c"], ["test_trend", "test_trend_runs"]),
        (["harness/stats_fit.c"], ["test_cost", "test_ruler"]),
        (["harness/stats_handover.c", "harness/stats_logistic.c"], ["test_handover"]),
        (["harness/stats_p*.c", "harness/stats_dist.c"],
         ["test_stats_methods", "test_gate_power", "test_stats_golden"]),
        (["harness/stats.c", "harness/stats_cluster.c", "harness/stats_m*.c", "harness/stats_rank.c",
          "harness/stats_series.c", "harness/stats_tail.c"],
         ["test_stats", "test_stats_methods", "test_stats_golden"]),
    ],
    "scoring": [
        (["tasks/answer*.c", "tasks/score.c", "tasks/format.c"],
         ["test_tasks", "test_questions", "test_leaderboard", "test_filters_lmeval"]),
        (["tasks/lmeval_metric*.c", "tasks/lmeval_filter*.c"],
         ["test_metrics_lmeval", "test_filters_lmeval", "test_tasks_lmeval", "test_lmeval_native"]),
    ],
    "tokenizers": [
        (["runners/tokenizer*.c", "runners/pretokenize.c"],
         ["test_tokenizer", "test_tokenizer_hf", "test_pretokenize"]),
    ],
    "store": [
        (["results/store.c", "results/put.c", "results/db.c", "results/query*.c"],
         ["test_store", "test_exchange_own", "test_rulers_store", "test_store_faults"]),
    ],
    "gate": [(["harness/gate*.c"], ["test_gate", "test_gate_runs", "test_gate_power"])],
}
# Written as house style writes them, with a space at each side, so that a pointer's star or a sign
# is not taken for an operator.
SWAPS = [(" < ", " <= "), (" <= ", " < "), (" > ", " >= "), (" >= ", " > "), (" == ", " != "),
         (" != ", " == "), (" && ", " || "), (" || ", " && "), (" + ", " - "), (" - ", " + "),
         (" * ", " / "), (" / ", " * "), (" += ", " -= "), (" -= ", " += "), ("++", "--"),
         ("--", "++"), ("return -1;", "return 0;"), ("return 0;", "return -1;"), ("(!", "("),
         ("continue;", "break;"), (" ? ", " ? !"), (" ? ", " && 0 ? ")]
NUMBER = re.compile(r"(?<![\w.\"])(\d+\.\d*|\.\d+|\d+)(?:[eE][-+]?\d+)?(?![\w.])")
HIDDEN = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'"
                    r"|^[ \t]*#(?:\\\n|[^\n])*", re.S | re.M)


def mutants_of(path):
    """(path, offset, what was there, what is there now)"""
    with open(path) as f:
        text = f.read()
    bare = HIDDEN.sub(lambda m: re.sub(r"[^\n]", "\0", m.group()), text)
    for was, now in SWAPS:
        at = bare.find(was)
        while at >= 0:
            yield path, at, was, now
            at = bare.find(was, at + 1)
    for m in NUMBER.finditer(bare):
        was = m.group()
        yield path, m.start(), was, (str(int(was) + 1) if was != "1" else "0") if was.isdigit() else f"({was} * 1.25)"


def line_of(path, at):
    with open(path) as f:
        text = f.read()
    return text.count("\n", 0, at) + 1, text[text.rfind("\n", 0, at) + 1:text.find("\n", at)]


def commands(target, mode, changed):
    """What make would run to make `target` again, as lists of words."""
    said = subprocess.run(["make", "-n", "V=1", "-W", changed, f"MODE={mode}", target],
                          capture_output=True, text=True, check=True).stdout
    for line in said.replace("\\\n", " ").splitlines():
        words = shlex.split(line)
        if "-o" in words and words[words.index("-o") + 1] == target:
            return words
    sys.exit(f"make would not make {target}")


class Area:
    def __init__(self, answer, o, work):
        self.work, self.o, self.build = work, o, f"build/{o.mode}"
        self.programs = sorted({p for ps in answer.values() for p in ps})
        self.programs = [f"{self.build}/tests/{p}" for p in self.programs]
        self.answer = {f: [f"{self.build}/tests/{p}" for p in ps] for f, ps in answer.items()}
        self.compiles, self.links, self.originals = {}, {}, set()
        self.lock = threading.Lock()
        subprocess.run(["make", "-s", f"MODE={o.mode}"] + self.programs, check=True)
        self.took = {p: self.run(p, 300) for p in self.programs}
        for p, t in self.took.items():
            if t is None:
                sys.exit(f"{p} fails without a mutant")

    def run(self, program, limit):
        """Seconds; None: it fails."""
        start = time.monotonic()
        try:
            ended = subprocess.run([program], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, timeout=limit)
        except subprocess.TimeoutExpired:
            return None
        return time.monotonic() - start if ended.returncode == 0 else None

    def compile(self, path, text, to):
        obj = f"{self.build}/{path[:-2]}.o"
        with self.lock:
            if path not in self.compiles:
                words = commands(obj, self.o.mode, path)
                faster = {"-O2": ["-O1"], "-g": ["-g0"], path: ["-x", "c", "-"]}
                self.compiles[path] = sum((faster.get(w, [w]) for w in words
                                           if w not in ("-MMD", "-MP")), []) + ["-w"]
        return subprocess.run([to if w == obj else w for w in self.compiles[path]], input=text,
                              text=True, stderr=subprocess.DEVNULL).returncode == 0

    def original(self, path, text):
        to = f"{self.work}/{path.replace('/', '_')}.o"
        with self.lock:
            known = path in self.originals
            self.originals.add(path)
        if not known:
            self.compile(path, text, to + ".part")
            os.rename(to + ".part", to)
        while not os.path.exists(to):
            time.sleep(0.05)
        return to

    def link(self, program, path, obj, to):
        with self.lock:
            if (program, path) not in self.links:
                self.links[program, path] = commands(program, self.o.mode, path)
        theirs = f"{self.build}/{path[:-2]}.o"
        words = [obj if w == theirs else to if w == program else w
                 for w in self.links[program, path]] + ["-Wl,-S"]
        return subprocess.run(words, stderr=subprocess.DEVNULL).returncode == 0

    def attempt(self, mutant):
        """'killed', 'survived', or why it is none."""
        path, at, was, now = mutant
        base = f"{self.work}/{threading.get_ident()}"
        obj, program = f"{base}.o", f"{base}.bin"
        with open(path) as f:
            text = f.read()
        if not self.compile(path, text[:at] + now + text[at + len(was):], obj):
            return "does not compile"
        if filecmp.cmp(obj, self.original(path, text), shallow=False):
            return "the same"
        for test in sorted(self.answer[path], key=self.took.get):
            if not self.link(test, path, obj, program):
                return "does not link"
            if self.run(program, 10 + 10 * self.took[test]) is None:
                return "killed"
        return "survived"


def rows_of(area):
    """Each file with its programs."""
    for globs, programs in AREAS[area]:
        for f in sorted(sum((glob.glob(g) for g in globs), [])):
            yield f, programs


def chosen(names, o):
    """(name, {file: programs}, mutants in the order in which they are tried, how many are wanted)"""
    for name in names:
        place = re.fullmatch(r"(.*\.c)(?::(\d+))?", name)
        if not place:
            answer = dict(rows_of(name))
            every = [m for f in answer for m in mutants_of(f)]
            # Some are none; the next in line take their places.
            random.Random(f"{o.seed} {name}").shuffle(every)
            yield name, answer, every, o.mutants or len(every)
            continue
        path, line = place.groups()
        programs = next(p for a in AREAS for f, p in rows_of(a) if f == path)
        every = [m for m in mutants_of(path) if not line or line_of(path, m[1])[0] == int(line)]
        yield name, {path: programs}, every, len(every)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("areas", nargs="*")
    p.add_argument("--mutants", type=int, default=40)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--jobs", type=int, default=os.cpu_count())
    p.add_argument("--mode", default="release")
    p.add_argument("--least", type=float, default=0.85, help="share that must be killed")
    o = p.parse_intermixed_args()
    os.environ["CCACHE_DISABLE"] = "1"
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
    poor = 0
    for name, answer, every, wanted in chosen(o.areas or AREAS, o):
        with tempfile.TemporaryDirectory() as work, \
                concurrent.futures.ThreadPoolExecutor(o.jobs) as pool:
            area = Area(answer, o, work)
            killed = survived = at = 0
            while killed + survived < wanted and at < len(every):
                some = every[at:at + min(wanted - killed - survived, 2 * o.jobs)]
                at += len(some)
                for mutant, what in zip(some, pool.map(area.attempt, some)):
                    killed += what == "killed"
                    if what == "survived":
                        survived += 1
                        path, where, was, now = mutant
                        n, text = line_of(path, where)
                        print(f"  {path}:{n}: {was.strip()} -> {now.strip()}: {text.strip()}",
                              flush=True)
            tried = killed + survived
            share = killed / tried if tried else 1
            poor += share < o.least
            print(f"{name}: {killed} of {tried} mutants killed, {100 * share:.0f} % "
                  f"({len(every)} there are)", flush=True)
    return poor != 0


if __name__ == "__main__":
    sys.exit(main())
