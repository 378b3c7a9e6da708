#!/usr/bin/env python3
"""Every text of an error in the sources has the form of spec "densimeter: WHAT: WHY" without what
main.c puts around it: one line, no full stop or colon at its end, no name of the program, no
"Error", no shouting.  Prints the places that have not; FILE... in place of all rooms."""
import glob, re, sys

CALLS = re.compile(r"\b(err_set|err_errno|err_hint|err_prefix|record_fail|ynode_fail|json_text_wrong)"
                   r"\s*\(")
# Literals beside each other, and macros that stand for one.
LITERALS = re.compile(r'(?:"(?:\\.|[^"\\])*"\s*(?:[A-Z][A-Za-z_0-9]+\s*)?)+')
RULES = [(r"\\n", "is more than one line"), (r"[.:, !]$", "ends in a stop or a blank"),
         (r"^\s*(densimeter:|[Ee]rror\b|Failed|Cannot|Could|Unable|Invalid)", "says that it is one"),
         (r"^\s", "begins with a blank")]


def arguments(text, at):
    """What stands in the parentheses that were opened before `at`."""
    depth, i = 1, at
    while depth:
        if text[i] == '"':
            i = re.compile(r'"(?:\\.|[^"\\])*"').match(text, i).end()
            continue
        depth += (text[i] == "(") - (text[i] == ")")
        i += 1
    return text[at:i - 1]


def main():
    texts = wrong = 0
    rooms = ("base", "tasks", "runners", "results", "reports", "harness")
    for path in sys.argv[1:] or sorted(f for r in rooms for f in glob.glob(r + "/*.c")):
        with open(path) as f:
            source = f.read()
        for call in CALLS.finditer(source):
            found = LITERALS.search(arguments(source, call.end()))
            if not found:
                continue
            texts += 1
            text = re.sub(r'"\s*([A-Z]\w+)?\s*("|$)', r"\1", found.group().strip()[1:])
            for rule, why in RULES:
                if re.search(rule, text) and not (call.group(1) == "err_hint" and text[-1:] == ":"
                                                 and why.startswith("ends")):
                    wrong += 1
                    line = source.count("\n", 0, call.start()) + 1
                    print(f'{path}:{line}: {call.group(1)}: "{text}" {why}')
    print(f"{texts} texts of errors, {wrong} of another form")
    return wrong > 0 or texts == 0


if __name__ == "__main__":
    sys.exit(main())
