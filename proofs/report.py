"""One HTML page of what is proved and what is not, from what is kept: scripts/prove --report.
SPDX-License-Identifier: BSD-2-Clause

Nothing is proved for it: it shows modules.toml, the results of the provers as they are kept
(results.py), contracts as they stand in the sources, and the words of ASSUMED.md and of the READMEs.
The same tree makes the same page. Whatever comes from a file is escaped.
"""

import collections
import html
import itertools
import re
import typing

import doubt
import ledger
import mutate
import results
import wp

ROOT = wp.ROOT
PAGE = ROOT / "build/proofs.html"
SLOWEST = 20
# How the name of a goal goes on after the name of its function, and what such goals are called.
KINDS = [("assert_rte_", "run-time checks"), ("assert_", "assertions"), ("ensures_", "ensures"),
         ("assigns_", "assigns"), ("call_", "requires of callees"), ("loop_", "loops"), ("", "others")]
HEAD = r"[A-Za-z_][\w ]*?[ *](\w+)\s*\([^;{}()]*\)"
# A contract and the head of its function: of C at the margin, of ghost code within a comment.
CONTRACTS = [re.compile(rf"^((?:/\*@(?:(?!\*/).)*\*/|(?://@[^\n]*\n)+)\s*{HEAD})\s*[;{{]", re.S | re.M),
             re.compile(rf"^[ \t]*(/@(?:(?!@/).)*@/\s*{HEAD})\s*\{{", re.S | re.M)]
BODY = re.compile(rf"^[ \t]*{HEAD}\s*\{{", re.M)
CALL = re.compile(r"\bX\((CALL_\w+), (\w+)\)")
DECLARATION = re.compile(r"\b(\w+)\s*\([^;{}()]*\);")
STYLE = """
:root {
  color-scheme: light dark;
  --text: #1b1b1b; --back: #fff; --line: #ccc; --soft: #f3f3f3; --link: #0645ad; --bad: #a40000;
}
@media (prefers-color-scheme: dark) {
  :root { --text: #ddd; --back: #161616; --line: #444; --soft: #222; --link: #8ab4f8; --bad: #ff8a80; }
}
body { margin: 0 auto; padding: 1em; max-width: 76em; font: 16px/1.45 sans-serif; }
body { color: var(--text); background: var(--back); }
a { color: var(--link); }
table { border-collapse: collapse; margin: .7em 0; }
th, td { border: 1px solid var(--line); padding: .2em .6em; text-align: left; vertical-align: top; }
th { background: var(--soft); }
td.number { text-align: right; white-space: nowrap; }
code, pre { font: 13px/1.4 monospace; }
pre { margin: .4em 0; padding: .6em; overflow-x: auto; background: var(--soft); }
.scroll { overflow-x: auto; }
.not { color: var(--bad); }
"""
esc = html.escape


class Place(typing.NamedTuple):
    """Where a function's body or contract stands, and the text of the contract."""
    path: str
    line: int
    text: str = ""

    def __str__(self):
        return f"<code>{esc(self.path)}:{self.line}</code>"


class Number(str):
    """A cell of a table that stands at its right."""


def sources():
    """{name: text} of everything that contracts are read from."""
    paths = [*sorted(ROOT.glob("kernel/core/*.[ch]")), *sorted(ROOT.glob("kernel/spec/*.[ch]"))]
    return {str(path.relative_to(ROOT)): path.read_text() for path in paths}


def find(texts, pattern):
    """{function: places} where the pattern finds it, with the remark above."""
    found = {}
    for path, text in texts.items():
        for match in pattern.finditer(text):
            above = reversed(text[:match.start(1)].split("\n")[:-1])
            remark = [*itertools.takewhile(lambda line: line.startswith("//") and line[2:3] != "@", above)]
            place = Place(path, text.count("\n", 0, match.start(1)) + 1, "\n".join([*reversed(remark), match[1]]))
            found.setdefault(match[2], []).append(place)
    return found


def contracts(texts):
    """{function: the places of its contracts}; of what is no function too, which nobody asks for."""
    in_code, in_ghost = (find(texts, pattern) for pattern in CONTRACTS)
    return in_ghost | in_code


def bodies(texts):
    """{function: where its body is}, ghost functions included."""
    return {match[1]: Place(path, text.count("\n", 0, match.start(1)) + 1)
            for path, text in texts.items() for match in BODY.finditer(text)}


class Kept:
    """The kept results, by module and unit, and what they add up to. All are of some unit: see write()."""

    def __init__(self, modules):
        self.units = {}
        self.goals = {}  # As scripts/prove counts them: a lemma that several sources see is one.
        for name, module in modules.items():
            for result in results.read(module["results"]):
                unit = results.unit_of(result.goal, module["functions"])
                self.units.setdefault((name, unit), []).append(result)
                if unit != results.SMOKE_TESTS:
                    goal = "" if unit == results.LEMMAS else module["source"], result.goal
                    self.goals[goal] = result.verdict == results.VALID
        self.proofs = [(module, unit, result) for (module, unit), found in self.units.items() for result in found
                       if unit != results.SMOKE_TESTS]
        self.smoke = collections.Counter(r.verdict for (_, unit), found in self.units.items() for r in found
                                         if unit == results.SMOKE_TESTS)

    def of_module(self, module):
        return [result for name, _, result in self.proofs if name == module]


def seconds(result):
    return float(result.seconds) if result.seconds != "-" else 0.0


def spent(found):
    return Number(f"{sum(map(seconds, found)):.2f}")


def kind_of(goal, function):
    rest = goal.removeprefix(f"{function}_")
    return next(kind for start, kind in KINDS if rest.startswith(start))


def counted(words):
    """How often each word is there, the most frequent first."""
    counts = collections.Counter(words)
    return ", ".join(f"{counts[word]} {word}" for word in sorted(counts, key=lambda w: (-counts[w], w)))


# --- HTML. What these are given is HTML already, but for titles and what comes from Markdown.
def table(titles, rows):
    def cell(value):
        return f"<td class=\"number\">{value}</td>" if isinstance(value, (Number, int)) else f"<td>{value}</td>"
    head = f"<tr>{''.join(f'<th>{esc(title)}</th>' for title in titles)}</tr>\n" if titles else ""
    body = "\n".join(row if isinstance(row, str) else f"<tr>{''.join(map(cell, row))}</tr>" for row in rows)
    return f"<div class=\"scroll\"><table>\n{head}{body}\n</table></div>"


def heading(level, name, title):
    return f"<h{level} id=\"{esc(name)}\">{esc(title)}</h{level}>"


def link(name, text):
    return f"<a href=\"#{esc(name)}\">{text}</a>"


def code(text):
    return f"<code>{esc(text)}</code>"


def inline(text):
    """Markdown within a line: code and bold."""
    parts = re.split(r"(`[^`]+`)", text)
    return "".join(code(p[1:-1]) if len(p) > 2 and p[0] == "`" else re.sub(r"\*\*([^*]+)\*\*", r"<b>\1</b>", esc(p))
                   for p in parts)


def markdown(text):
    """Paragraphs, lists and tables of Markdown."""
    out = []
    for block in re.split(r"\n(?:[ \t]*\n)+|\n(?=- )", text.strip("\n")):
        if block.startswith("|"):
            titles, _, *rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in block.splitlines()]
            out.append(table(titles, [[*map(inline, row)] for row in rows]))
        elif block.startswith("- "):
            item = f"<li>{inline(block[2:])}</li>\n</ul>"
            out.append(out.pop().removesuffix("</ul>") + item if out and out[-1].endswith("</ul>") else f"<ul>\n{item}")
        elif block:
            out.append(f"<p>{inline(block)}</p>")
    return "\n".join(out)


def chapters(path):
    """{title: text} of the sections of a Markdown file."""
    return dict(re.findall(r"^## ([^\n]*)\n(.*?)(?=^## |\Z)", (ROOT / path).read_text(), re.S | re.M))


# --- The sections of the page.
def summary(modules, kept):
    core = ledger.core_functions(ROOT)
    proved = [f for module in modules.values() for f in module["functions"]]
    bare = [f for name, module in modules.items() for f in module["functions"] if (name, f) not in kept.units]
    everything = [result for _, _, result in kept.proofs]
    version = doubt.git("describe", "--always", "--dirty").strip() or "unknown: no git here"
    kept_on = doubt.git("log", "-1", "--format=%cs", "--", "proofs/results").strip() or "unknown"
    provers = collections.Counter(result.prover for result in everything)
    slowest = sorted(kept.proofs, key=lambda p: (-seconds(p[2]), p[2].goal, p[0]))[:SLOWEST]
    yield ("<p><b>These are kept results, not a proof run.</b> Whether they answer what the sources ask today, says "
           "<code>scripts/prove --cached</code>; whether they are right, <code>scripts/prove</code>, which believes "
           "none. A proof is one of a function: it keeps its contract, if those it calls keep theirs and all holds that "
           f"is {link('assumptions', 'assumed')}.</p>")
    unproved = len(ledger.functions_of(ROOT, "Unproved functions"))
    yield table([], [
        ["version", code(version)],
        ["results last changed", esc(kept_on)],
        ["functions of <code>kernel/core</code> that <code>modules.toml</code> lists as proved",
         f"{sum(f in core for f in proved)} of {len(core)}"],
        ["ghost functions of the proofs besides", sum(f not in core for f in proved)],
        ["goals with a kept proof", f"{sum(kept.goals.values())} of {len(kept.goals)}"],
        ["listed functions without one", len(bare)],
        ["smoke tests kept, and what the prover said", esc(counted(kept.smoke.elements()))],
        ["assumptions", f"{ledger.count(ROOT)}, of which {unproved} are functions that are not proved"],
    ])
    yield ("<p>Goals that WP's own simplifier proves have no result, so there are more goals than are counted here, and "
           "a function may be proved without any. A smoke test tries to prove false and passes if no prover does.</p>")
    yield table(["prover", "results", "share", "seconds"], [
        [esc(prover), provers[prover], Number(f"{100 * provers[prover] / len(everything):.1f} %"),
         spent(r for r in everything if r.prover == prover)]
        for prover in sorted(provers, key=lambda p: (-provers[p], p))
    ] + [["all", len(everything), "", spent(everything)]])
    yield f"<p>The seconds are what the provers said of whichever machine they ran on. The {SLOWEST} slowest:</p>"
    yield table(["seconds", "goal", "of", "prover"],
                [[spent([r]), code(r.goal), link(f"module-{module}", esc(f"{module}: {unit}")), esc(r.prover)]
                 for module, unit, r in slowest])


def entries(modules, where):
    proved = {f for module in modules.values() for f in module["functions"]}
    unproved = ledger.functions_of(ROOT, "Unproved functions")
    listed = CALL.findall((ROOT / "kernel/core/call.h").read_text())
    text = ledger.COMMENT.sub("", (ROOT / "kernel/core/kernel.h").read_text())
    both = [*listed, *(("", name) for name in DECLARATION.findall(text))]

    def state(name):
        if name in proved:
            return link(f"function-{name}", "proved")
        return f"<span class=\"not\">{'not proved' if name in unproved else 'in no list'}</span>"
    yield (f"<p>The {len(both) - len(listed)} ways into the core (<code>kernel/core/kernel.h</code>) and the "
           f"{len(listed)} calls that <code>core_call</code> leads to (<code>kernel/core/call.h</code>). Proved are, as "
           f"<code>modules.toml</code> lists them, {sum(name in proved for _, name in both)} of {len(both)}.</p>")
    yield table(["call", "function", "at", "state"], [
        [code(number) if number else "", code(name), where.get(name, ""), state(name)] for number, name in both])


def function_rows(name, found, body, said):
    """The rows of a function: what is kept of it, and its contract."""
    slow = max(found, key=lambda r: (seconds(r), r.goal), default=None)
    yield (f"<tr id=\"function-{esc(name)}\"><td>{code(name)}<br>{body}</td><td class=\"number\">{len(found)}</td>"
           f"<td>{esc(counted(kind_of(r.goal, name) for r in found))}</td>"
           f"<td>{esc(counted(r.prover for r in found))}</td><td class=\"number\">{spent(found)}</td>"
           f"<td>{code(slow.goal.removeprefix(name + '_')) + f' {seconds(slow):.2f} s' if slow else ''}</td></tr>")
    for place in said:
        yield (f"<tr><td colspan=\"6\"><details><summary>contract, {place}</summary>"
               f"<pre>{esc(place.text)}</pre></details></td></tr>")


def functions(modules, kept, texts, where):
    said = contracts(texts)
    yield table(["module", "source", "functions", "goals", "seconds"], [
        [link(f"module-{name}", esc(name)), code(module["source"]), len(module["functions"]), len(kept.of_module(name)),
         spent(kept.of_module(name))] for name, module in modules.items()])
    for name, module in modules.items():
        yield heading(3, f"module-{name}", name)
        lemmas = kept.units.get((name, results.LEMMAS), [])
        tests = kept.units.get((name, results.SMOKE_TESTS), [])
        flags = f", {code(' '.join(module['flags']))}" if module.get("flags") else ""
        yield (f"<p>{code(module['source'])}{flags}. Kept besides: {len(lemmas)} lemmas ({spent(lemmas)} s), "
               f"{len(tests)} smoke tests.</p>")
        rows = [row for f in module["functions"]
                for row in function_rows(f, kept.units.get((name, f), []), where.get(f, ""), said.get(f, []))]
        yield table(["function", "goals", "of which", "provers", "seconds", "slowest"], rows)


def passages(word, *paths):
    """The sections of these files that have a word in their title."""
    found = [(title, text) for path in paths for title, text in chapters(path).items() if word in title.lower()]
    for title, text in found:
        yield f"<h3>{esc(title)}</h3>\n{markdown(text)}"
    if not found:
        yield "<p>None yet.</p>"


def assumptions():
    yield (f"<p>{ledger.count(ROOT)} entries of <code>proofs/ASSUMED.md</code>: what is believed, and the functions "
           "that are not proved.</p>")
    for title, text in chapters("proofs/ASSUMED.md").items():
        yield f"<h3>{esc(title)}</h3>\n{markdown(text)}"


def mutation():
    known = mutate.equivalents()
    yield ("<p>No results of a campaign are committed: <code>scripts/mutate</code> breaks proved functions, and prints "
           "which goal or test notices.</p>")
    yield "<p>Mutants that nobody can notice (<code>proofs/equivalent.toml</code>):" + ("</p>" if known else " none.</p>")
    if known:
        yield table(["function", "line", "mutation", "place", "reason"],
                    [[f"{code(function)}<br>{code(path)}", code(line), code(what), place, esc(reason)]
                     for (path, function, line, what, place), reason in known.items()])


def page(modules, kept):
    """The text of the page."""
    texts = sources()
    where = bodies(texts)
    sections = [("summary", "Summary", summary(modules, kept)), ("entries", "Entries", entries(modules, where)),
                ("functions", "Functions and contracts", functions(modules, kept, texts, where)),
                ("invariants", "Invariants", passages("invariants", "kernel/spec/README.md")),
                ("theorems", "Theorems", passages("theorem", "kernel/spec/README.md", "proofs/README.md")),
                ("assumptions", "Assumptions", assumptions()), ("mutation", "Mutation", mutation())]
    index = "\n".join(f"<li>{link(name, esc(title))}</li>" for name, title, _ in sections)
    body = "\n".join("\n".join([heading(2, name, title), *parts]) for name, title, parts in sections)
    return ("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
            "<meta name=\"viewport\" content=\"width=device-width\">\n<title>Proofs of the core</title>\n"
            f"<style>{STYLE}</style>\n</head>\n<body>\n<h1>Proofs of the core</h1>\n<ol>\n{index}\n</ol>\n{body}\n"
            "</body>\n</html>\n")


def write(modules):
    """Write the page and print where, and what it shows; the exit status."""
    if problems := ledger.results_problems(ROOT, modules):
        print("\n".join([*problems, "no report (scripts/prove --update drops what no goal asks for)"]))
        return 1
    kept = Kept(modules)
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(modules, kept), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {sum(len(m['functions']) for m in modules.values())} functions, "
          f"{len(kept.goals)} goals, from kept results: nothing was proved now")
    print(f"goals {sum(kept.goals.values())}/{len(kept.goals)} proved, {ledger.count(ROOT)} assumptions")
    return 0
