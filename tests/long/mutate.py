#!/usr/bin/env python3
"""mutate.py [--mutants N] [--seed S] [--jobs J] [--mode MODE] [AREA | FILE.c[:LINE] ...]

Are mistakes noticed?  One operator or constant of a source file at a time is made wrong, the file
alone is compiled again, and the test programs that answer for it are run with it: a mutant is
killed when one of them fails, crashes or does not end.  Those that survive are printed with their
place.  A mutant whose object is the same, byte for byte, is no mutant; nor is one that
mutate_equal.txt gives a reason for.  Folders of data and of models are hidden from the programs:
what is shared is not everywhere, and the tests must notice without it.

N mutants an area (0: all) are drawn by chance from the seed.  FILE.c tries each of that file,
FILE.c:LINE of that line.  Each program is linked once, its area's files beside it as shared
objects; the changed one of them is all that a mutant costs.  Nothing below build/MODE changes.
"""
import argparse, collections, concurrent.futures, contextlib, filecmp, glob, os, random, re
import resource, shlex, signal, subprocess, sys, tempfile, threading

# area: rows of files and the programs that answer for them
AREAS = {
    "statistics": [
        (["harness/stats_trend.c", "harness/stats_frontier.c"],
         ["test_trend", "test_trend_runs", "test_stats_models"]),
        (["harness/stats_fit.c"], ["test_cost", "test_ruler", "test_stats_models"]),
        (["harness/stats_handover.c", "harness/stats_logistic.c"],
         ["test_handover", "test_stats_models"]),
        (["harness/stats_process.c"], ["test_gate_runs", "test_gate", "test_stats_models"]),
        (["harness/stats.c", "harness/stats_cluster.c", "harness/stats_dist.c",
          "harness/stats_m*.c", "harness/stats_pa*.c", "harness/stats_po*.c",
          "harness/stats_prop*.c", "harness/stats_rank.c", "harness/stats_series.c",
          "harness/stats_tail.c"],
         ["test_stats", "test_stats_methods", "test_stats_golden", "test_pairs",
          "test_stats_edges"]),
    ],
    "scoring": [
        (["tasks/answer*.c", "tasks/score.c", "tasks/format.c"],
         ["test_tasks", "test_questions", "test_leaderboard", "test_filters_lmeval",
          "test_tasks_lmeval", "test_ifeval", "test_code", "test_answers", "test_formats"]),
        (["tasks/lmeval_metric*.c", "tasks/lmeval_filter*.c"],
         ["test_metrics_lmeval", "test_filters_lmeval", "test_tasks_lmeval", "test_lmeval_native",
          "test_metric_list", "test_filter_list", "test_lmeval_yaml", "test_lmeval_results"]),
    ],
    "tokenizers": [
        (["runners/tokenizer*.c", "runners/pretokenize.c"],
         ["test_tokenizer", "test_tokenizer_hf", "test_pretokenize", "test_streaming",
          "test_hf_folder", "test_vocabularies", "test_sentencepiece", "test_hf_tokens"]),
    ],
    "store": [
        (["results/store.c", "results/put.c", "results/db.c", "results/query*.c"],
         ["test_store", "test_store_fields", "test_store_speed", "test_store_busy",
          "test_store_stop", "test_store_errors", "test_store_files", "test_store_faults",
          "test_exchange_own",
          "test_rulers_store", "test_exchange", "test_lease", "test_compare"]),
    ],
    "gate": [(["harness/gate*.c"],
              ["test_gate", "test_gate_runs", "test_gate_policy", "test_gate_page",
               "test_gate_times", "test_gate_checks", "test_gate_find"])],
}
# Written as house style writes them, with a space at each side, so that a pointer's star or a sign
# is not taken for an operator.
SWAPS = [(" < ", " <= "), (" <= ", " < "), (" > ", " >= "), (" >= ", " > "), (" == ", " != "),
         (" != ", " == "), (" && ", " || "), (" || ", " && "), (" + ", " - "), (" - ", " + "),
         (" * ", " / "), (" / ", " * "), (" += ", " -= "), (" -= ", " += "), ("++", "--"),
         ("--", "++"), ("return -1;", "return 0;"), ("return 0;", "return -1;"), ("(!", "("),
         ("continue;", "break;"), (" ? ", " ? !"), (" ? ", " && 0 ? ")]
NUMBER = re.compile(r"(?<![\w.\"])(\d+\.\d*|\.\d+|\d+)(?:[eE][-+]?\d+)?(?![\w.])")
# An array with room for one more is no mistake; nor is room for none of something, which
# mem_calloc makes room for one.
ARRAY = re.compile(r"^\s*(?:static |const |unsigned |struct )*\w+ [^=(;]*\[$|mem_calloc\($")
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
        before = bare[bare.rfind("\n", 0, m.start()) + 1:m.start()]
        if ARRAY.search(before) or before.rstrip("-").endswith("return ") and was in "01":
            continue # of a return the swaps are enough
        whole = str(int(was) + 1) if was.isdigit() and was != "1" else "0"
        yield path, m.start(), was, whole if was.isdigit() else f"({was} * 1.25)"


def line_of(path, at):
    with open(path) as f:
        text = f.read()
    return text.count("\n", 0, at) + 1, text[text.rfind("\n", 0, at) + 1:text.find("\n", at)]


def named(path):
    """{as mutate_equal.txt names them: the mutants of that name, from the first line down}"""
    names = collections.defaultdict(list)
    for mutant in mutants_of(path):
        _, at, was, now = mutant
        names[path, line_of(path, at)[1].strip(), was.strip(), now.strip()].append(mutant)
    return names


def commands(target, mode, changed):
    """What make would run to make `target` again, as lists of words."""
    said = subprocess.run(["make", "-n", "V=1", "-W", changed, f"MODE={mode}", target],
                          capture_output=True, text=True, check=True).stdout
    for line in said.replace("\\\n", " ").splitlines():
        words = shlex.split(line)
        if "-o" in words and words[words.index("-o") + 1] == target:
            return words
    sys.exit(f"make would not make {target}")


def known_equal():
    """The mutants that mutate_equal.txt gives reasons for."""
    known, names = set(), {}
    with open(os.path.join(os.path.dirname(__file__), "mutate_equal.txt")) as f:
        for line in f:
            if line[0] not in "#\n \t":
                path = line.strip()
                names = named(path)
            elif line[0] == " ":
                what, rest = line.strip().split(" | ", 1)
                text, _why = rest.rsplit(" | ", 1)
                what, _, which = what.partition(" @")
                like = names.get((path, text) + tuple(what.split(" -> ")), [])
                if not which and len(like) > 1:
                    sys.exit(f"mutate_equal.txt: {path} has {len(like)} of {what} in: {text}: "
                             "@N must say which")
                for n in map(int, which.split(",") if which else [1]):
                    if n > len(like) or like[n - 1] in known:
                        sys.exit(f"mutate_equal.txt: {path} has no {what} @{n} to leave out in: "
                                 + text)
                    known.add(like[n - 1])
    return known


def children_s():
    """Of the processor, as its limit counts: also what the system did for them."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Area:
    def __init__(self, answer, o, work):
        self.work, self.o, self.build = work, o, f"build/{o.mode}"
        self.answer = {f: [f"{work}/{p}" for p in ps] for f, ps in answer.items()}
        self.compiles, self.lock = {}, threading.Lock()
        self.env = dict(os.environ, DENSIMETER_SHARED=work, DENSIMETER_DATA=work,
                        DENSIMETER_MODELS=work, LC_ALL="C.UTF-8")
        built = [f"{self.build}/tests/{p}" for p in {p for ps in answer.values() for p in ps}]
        subprocess.run(["make", "-s", f"MODE={o.mode}"] + built, check=True)
        os.mkdir(f"{work}/original")
        for path in answer:
            with open(path) as f:
                if not self.compile(path, f.read(), f"{work}/original"):
                    sys.exit(f"{path} does not compile")
        with concurrent.futures.ThreadPoolExecutor(o.jobs) as pool:
            list(pool.map(self.link, built))
        self.took = {}
        for p in (f"{work}/{os.path.basename(b)}" for b in built):
            before = children_s()
            if not self.run(p, "", 300):
                sys.exit(f"{p} fails without a mutant")
            self.took[p] = children_s() - before

    def compile(self, path, text, to):
        """`to`/FILE.o, and from it FILE.so."""
        obj, name = f"{self.build}/{path[:-2]}.o", path[:-2].replace("/", "_")
        with self.lock:
            if path not in self.compiles:
                words = commands(obj, self.o.mode, path)
                faster = {"-O2": ["-O1"], "-g": ["-g0"], path: ["-x", "c", "-"], obj: [None]}
                self.compiles[path] = sum((faster.get(w, [w]) for w in words
                                           if w not in ("-MMD", "-MP")), []) + ["-w", "-fPIC"]
        return subprocess.run([w or f"{to}/{name}.o" for w in self.compiles[path]], input=text,
                              text=True, stderr=subprocess.DEVNULL).returncode == 0 and \
            subprocess.run(["cc", "-shared", "-o", f"{to}/{name}.so", f"-Wl,-soname,{name}.so",
                            f"{to}/{name}.o"], stderr=subprocess.DEVNULL).returncode == 0

    def link(self, program):
        """The files of the area as shared objects before the archive, which has them, too."""
        apart = [f"{self.work}/original/{f[:-2].replace('/', '_')}.so" for f in self.answer]
        words = commands(program, self.o.mode, f"{program.replace(self.build + '/', '')}.c")
        to = f"{self.work}/{os.path.basename(program)}"
        words = sum((apart + [w] if w == f"{self.build}/tests/tested.a" else [to] if w == program
                     else [w] for w in words), [])
        done = subprocess.run(words[:1] + ["-rdynamic", "-Wl,--no-as-needed", "-Wl,-S"] + words[1:])
        if done.returncode:
            sys.exit(f"{program} cannot be linked with shared objects")

    def run(self, program, changed, cpu_s):
        """Does it pass?  Limits are on the processor's time: others may use the machine."""
        env = dict(self.env, LD_LIBRARY_PATH=f"{changed}:{self.work}/original")
        done = subprocess.Popen(["prlimit", f"--cpu={cpu_s}", "--core=0", program], env=env,
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            return done.wait(timeout=20 + 10 * cpu_s) == 0
        except subprocess.TimeoutExpired:
            return False
        finally: # a test that failed may have left others running
            with contextlib.suppress(ProcessLookupError):
                os.killpg(done.pid, signal.SIGKILL)
            done.wait()

    def attempt(self, mutant):
        """'killed', 'survived', or why it is none."""
        path, at, was, now = mutant
        name = path[:-2].replace("/", "_")
        with open(path) as f:
            text = f.read()
        with tempfile.TemporaryDirectory(dir=self.work) as to:
            if not self.compile(path, text[:at] + now + text[at + len(was):], to):
                return "does not compile"
            if filecmp.cmp(f"{to}/{name}.o", f"{self.work}/original/{name}.o", shallow=False):
                return "the same"
            for test in sorted(self.answer[path], key=self.took.get):
                if not self.run(test, to, 2 + int(4 * self.took[test])):
                    return "killed"
        return "survived"


def rows_of(area):
    """Each file with its programs."""
    for globs, programs in AREAS[area]:
        for f in sorted(sum((glob.glob(g) for g in globs), [])):
            yield f, programs


def chosen(names, equal, o):
    """(name, {file: programs}, mutants in the order they are tried, how many are wanted)"""
    for name in names:
        place = re.fullmatch(r"(.*\.c)(?::(\d+))?", name)
        if not place:
            answer = dict(rows_of(name))
            every = [m for f in answer for m in mutants_of(f) if m not in equal]
            # Some are none; the next in line take their places.
            random.Random(f"{o.seed} {name}").shuffle(every)
            yield name, answer, every, o.mutants or len(every)
            continue
        path, line = place.groups()
        programs = next(p for a in AREAS for f, p in rows_of(a) if f == path)
        every = [m for m in mutants_of(path) if m not in equal
                 and (not line or line_of(path, m[1])[0] == int(line))]
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
    poor, stopped = 0, []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(1)) # what was found until then is said
    for name, answer, every, wanted in chosen(o.areas or AREAS, known_equal(), o):
        with tempfile.TemporaryDirectory() as work, \
                concurrent.futures.ThreadPoolExecutor(o.jobs) as pool:
            area = Area(answer, o, work)
            killed = survived = at = 0
            while killed + survived < wanted and at < len(every) and not stopped:
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
        if stopped:
            break
    return poor != 0


if __name__ == "__main__":
    sys.exit(main())
