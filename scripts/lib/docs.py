"""What READMEs name is there: scripts and their options, commands of the shell, scenarios, tests, files, decisions.
SPDX-License-Identifier: BSD-2-Clause

Pages are all *.md. In them, `code` and blocks of code are looked at:
  scripts/NAME --option   the script is there, and its --help has the option
  --batch 'A; B | C'      each command is one of the shell's table, a program in a file, or `NAME=word`
  topic.name              where test/system/test_topic.py exists: it has this scenario
  meson test ... NAME     the name of a host test in some meson.build
  file.ext                some file of the project has this name
  path/file.ext           is there, from the page's folder, the project's, or one of the folders that PLACES names
  adr/NNNN                a decision with this number
What is typed at the shell is run by the scenarios of test/system/test_pages.py (shell_lines()).
Two parts of pages are made from what they tell of: the index of decisions and the picture of the system (`docs.py --update`).
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "scripts/lib"), str(ROOT / "scripts")]
sys.dont_write_bytecode = True

import run_main  # noqa: E402

CODE = re.compile(r"```.*?\n(.*?)```|`([^`\n]+)`", re.S)
SCRIPT = re.compile(r"(?<![\w/.])scripts/([a-z][a-z-]*)(?![\w./-])([^;|#\n`]*)")
OPTION = re.compile(r"(?<![\w-])(--[a-z][a-z-]*)")
BATCH = re.compile(r"--batch '([^']+)'")
SCENARIO = re.compile(r"([a-z_]+)\.([a-z_0-9]+)")
HOST_TEST = re.compile(r"meson test -C build ([a-z][a-z-]*)$")
FILE = re.compile(r"[\w.-]+(?:/[\w.-]+)+\.(?:hpp|cpp|h|c|py|md|toml|tsv|S|ld|cfg|build)")
BARE = re.compile(r"[\w-]+\.(?:hpp|cpp|h|c|py|toml|tsv)")
DECISION = re.compile(r"adr/(\d{4})")
COMMANDS = re.compile(r'^    \{"([^"]+)", "', re.M)
MADE_NAMES = {"counter.hpp"}  # Of examples.
MADE = ("servers/counter/", "build/", "build-", "NAME", "subprojects/")
ADR = "kernel/spec/adr"
PLACES = ("", "libsel/include", "libsel", "kernel", "kernel/spec", "test", "test/core", "scripts/lib", "servers", "proofs")
BEGIN, END = "<!-- made by scripts/lib/docs.py -->", "<!-- end -->"


def listed(project, *patterns):
    done = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", *patterns], cwd=project, check=True,
                          capture_output=True, text=True)
    return [name for name in done.stdout.split("\n") if name and (project / name).exists()]


def pages(project):
    return [project / name for name in listed(project, "*.md")]


class Facts:
    """What there is, each thing looked up once."""

    def __init__(self, project):
        self.project = project
        self.helps = {}
        self.commands = set(COMMANDS.findall((project / "apps/shell/command_table.cpp").read_text()))
        self.commands |= {path.parent.name for path in project.glob("apps/*/manifest.toml")}
        self.commands |= {"if", "for", "while", "until", "!"}
        self.names = {Path(name).name for name in listed(project)} | MADE_NAMES
        builds = [path.read_text() for path in project.rglob("meson.build") if "subprojects" not in path.parts]
        self.tests = set(re.findall(r"'([\w-]+)'", "\n".join(builds)))

    def help(self, script):
        if script not in self.helps:
            done = subprocess.run([self.project / "scripts" / script, "--help"], capture_output=True, text=True, check=False,
                                  stdin=subprocess.DEVNULL, timeout=60)
            self.helps[script] = done.stdout if done.returncode == 0 else None
        return self.helps[script]

    def scenario(self, topic, name):
        file = self.project / f"test/system/test_{topic}.py"
        return not file.exists() or re.search(rf"^def test_{name}\(|^test_{name} =", file.read_text(), re.M)

    def is_file(self, page, name):
        return any((place / name).exists() for place in (page.parent, *(self.project / place for place in PLACES)))


def first_words(command):
    """Of each command of a pipe or list, without what is quoted or substituted."""
    plain = re.sub(r"'[^']*'|\"[^\"]*\"", "x", re.sub(r"\$\([^)]*\)", "x", command))
    for part in re.split(r"\|\||&&|\||;|\b(?:do|then|else|elif)\b", plain):
        words = part.split()
        if words and words[0] not in ("fi", "done"):
            yield words[0]


def problems_of(code, page, facts):
    """What is not there of one piece of code."""
    for script, rest in SCRIPT.findall(code):
        if not (facts.project / "scripts" / script).exists():
            yield f"there is no scripts/{script}"
            continue
        for option in OPTION.findall(re.sub(r"'[^']*'|\s--\s.*", "", rest)):
            if option not in OPTION.findall(facts.help(script) or ""):
                yield f"scripts/{script} --help does not know {option}"
    for batch in BATCH.findall(code):
        for command in run_main.commands_of(batch):
            for word in first_words(command):
                if word not in facts.commands and "=" not in word and "/" not in word:
                    yield f"the shell has no command {word}"
    if (named := SCENARIO.fullmatch(code)) and named[2] not in ("py", "hpp", "cpp", "h", "c", "md", "toml", "build", "tsv"):
        if not facts.scenario(*named.groups()):
            yield f"there is no scenario {code}"
    if (named := HOST_TEST.search(code)) and named[1] not in facts.tests:
        yield f"there is no host test {named[1]}"
    if BARE.fullmatch(code) and "NAME" not in code and code not in facts.names:
        yield f"there is no file {code} anywhere"
    for name in FILE.findall(code):
        if not name.startswith(MADE) and "NAME" not in name and not facts.is_file(page, name):
            yield f"there is no file {name}"


def page_problems(page, facts):
    text = page.read_text()
    for match in CODE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        for problem in problems_of(match[1] or match[2], page, facts):
            yield f"{page.relative_to(facts.project)}:{line}: {problem}"
    for match in DECISION.finditer(text):
        if not list((facts.project / ADR).glob(f"{match[1]}-*.md")):
            line = text.count("\n", 0, match.start()) + 1
            yield f"{page.relative_to(facts.project)}:{line}: there is no decision {match[1]}"


PLACEHOLDER = re.compile(r"(?:^|[ /])[A-Z]+(?:$|[ ./])|\.\.\.|…")


def shell_lines(project=ROOT):
    """{line: the pages that name it} of what pages let a reader type at the shell: with `--batch`, and as code of several
    words that begins with one of its commands. Not decisions, which tell of their time, nor lines with something to fill in."""
    facts, found = Facts(project), {}
    for page in pages(project):
        if f"/{ADR}/" in str(page):
            continue
        for match in CODE.finditer(page.read_text()):
            code = match[1] or match[2]
            batches = [line for batch in BATCH.findall(code) for line in run_main.commands_of(batch)]
            lines = [] if match[0].startswith("```mermaid") else map(str.strip, code.split("\n"))
            typed = [line for line in lines if " " in line and line.split()[0] in facts.commands]
            for line in batches + typed:
                if not PLACEHOLDER.search(line):
                    found.setdefault(line, []).append(str(page.relative_to(project)))
    return found


# --- What is made.

def index(project):
    rows = []
    for path in sorted((project / ADR).glob("[0-9]*.md")):
        number, _, title = path.read_text().splitlines()[0].removeprefix("# ").partition(": ")
        rows.append(f"| [{number}]({path.name}) | {title} |")
    return "\n".join(["| number | decision |", "| --- | --- |", *rows])


def picture(project):
    """A Mermaid flow chart: who calls whom. Copies of one program are one box."""
    system = tomllib.loads((project / "boot/system.toml").read_text())
    mounts = system.pop("mounts", {})
    kinds = {name: part.get("program", name) for name, part in system.items()}
    holds = {"io", "irq", "pci", "display", "device"}  # Whoever has these is a driver.
    others = {"attack", "bench", "check", "disktest", "edu", "iobench", "probe", "stress"}  # Programs of tests.
    groups, edges = {"programs": [], "servers": [], "drivers": []}, set()
    for name, kind in kinds.items():
        if name != kind or name in others:
            continue
        manifest = tomllib.loads(next(project.glob(f"*/{name}/manifest.toml")).read_text())
        words = {re.split(r"[:*+]", need)[0] for need in manifest.get("needs", {}).values()}
        group = "drivers" if words & holds else "servers" if manifest.get("provides") else "programs"
        groups[group].append(name)
        given = system[name].get("needs", {}).values()
        for grant in [one for grants in given for one in (grants if isinstance(grants, list) else [grants])]:
            server = re.split(r"[:/]", grant)[0]
            if server in kinds and kinds[server] != name:
                edges.add((name, kinds[server]))
    if mounts:
        edges |= {("vfs", kinds[server]) for server in mounts.values()}
    common = {"log", "console", "timer"}  # Of nearly all: no arrows, or there is nothing else to see.
    lines = ["```mermaid", "flowchart TD"]
    for group, names in groups.items():
        lines += [f"    subgraph {group}", "        " + "; ".join(f"{name}" for name in sorted(names)), "    end"]
    lines += [f"    {a} --> {b}" for a, b in sorted(edges) if b not in common]
    return "\n".join([*lines, "    root[[root: starts all of them, and each has what boot/system.toml says]]",
                      "    kernel[[kernel: capabilities, messages, time]]", "    drivers ~~~ root --- kernel", "```"])


PARTS = {f"{ADR}/README.md": index, "README.md": picture}


def part_of(text):
    """(before, made, behind) of a page with a part that is made."""
    before, mark, rest = text.partition(BEGIN)
    made, end, behind = rest.partition(END)
    return (before + mark, made.strip("\n"), end + behind) if mark and end else None


def made_problems(project, update=False):
    for name, make in PARTS.items():
        page = project / name
        parts = part_of(page.read_text()) if page.exists() else None
        if not parts:
            yield f"{name}: expected a part between {BEGIN} and {END}"
        elif parts[1] != make(project):
            if update:
                page.write_text(f"{parts[0]}\n{make(project)}\n{parts[2]}")
            else:
                yield f"{name}: is not what scripts/lib/docs.py --update makes of it"


def problems(project=ROOT):
    facts = Facts(project)
    found = [problem for page in pages(project) for problem in page_problems(page, facts)]
    return found + list(made_problems(project))


if __name__ == "__main__":
    if sys.argv[1:] == ["--update"]:
        sys.exit("\n".join(made_problems(ROOT, update=True)) or 0)
    sys.exit("\n".join(problems()) or 0)
