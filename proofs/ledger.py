"""The ledger of assumptions (ASSUMED.md) held against modules.toml and the sources of the core.
SPDX-License-Identifier: BSD-2-Clause

Every entry is a bullet `- **name**: reason` or, for a function, "- `name`: reason".
"""

import re

import results

COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
CONTRACT = r"(/\*@(?:(?!\*/).)*\*/|(?://@[^\n]*\n\s*)+)\s*(?:[A-Za-z_][\w ]*\s+)?\b{}\s*\("
ATTRIBUTE = re.compile(r"__attribute__\(\([^()]*\)\)\s*")
DEFINITION = re.compile(r"^(?:[A-Za-z_][\w ]*?[ *])(\w+)\s*\([^;{}()]*\)\s*\{", re.M)
ENTRY = re.compile(r"^- (?:\*\*([^*]+)\*\*|`([^`]+)`): \S", re.M)


def functions_in(text):
    """Names of the functions that a C source defines, in order (ghost code does not count)."""
    code = COMMENT.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)
    code = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", "", code, flags=re.M)
    return DEFINITION.findall(ATTRIBUTE.sub("", code))


def body_of(text, function):
    """The text between the braces of a function's (or ghost function's) definition, or ''."""
    head = re.search(rf"\b{function}\s*\([^;{{}}()]*\)\s*\{{", text)
    if not head:
        return ""
    depth, position = 1, head.end()
    while depth and position < len(text):
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        position += 1
    return text[head.end():position - 1]


def called_by(root, functions):
    """Names that look like calls in the bodies of these functions, ghost code included."""
    texts = [p.read_text() for p in [*root.glob("kernel/core/*.[ch]"), *root.glob("kernel/spec/*.[ch]")]]
    bodies = [body_of(text, function) for text in texts for function in functions]
    return {name for body in bodies for name in re.findall(r"\b(\w+)\s*\(", body)}


def core_functions(root):
    """{function: file} of everything that kernel/core defines."""
    found = {}
    for path in sorted([*root.glob("kernel/core/*.c"), *root.glob("kernel/core/*.h")]):
        for name in functions_in(path.read_text()):
            found[name] = str(path.relative_to(root))
    return found


def section(root, title):
    text = (root / "proofs/ASSUMED.md").read_text()
    match = re.search(rf"^## {title}$(.*?)(?=^## |\Z)", text, re.S | re.M)
    return match[1] if match else ""


def functions_of(root, title):
    return [name for _, name in ENTRY.findall(section(root, title)) if name]


def trusted_leaves(root):
    return functions_of(root, "Trusted leaves")


def assumed(root):
    """Functions whose contracts are believed."""
    return set(trusted_leaves(root)) | set(functions_of(root, "Unproved functions"))


def count(root):
    return len(ENTRY.findall((root / "proofs/ASSUMED.md").read_text()))


def contract_problems(root, functions):
    """Functions whose contract is missing, or does not say what it writes and that it ends."""
    texts = [p.read_text() for p in [*root.glob("kernel/core/*.[ch]"), *root.glob("kernel/spec/*.[ch]")]]
    problems = []
    for name in functions:
        contracts = [m[1] for text in texts for m in re.finditer(CONTRACT.format(name), text, re.S)]
        if not contracts:
            ghost = any(re.search(rf"ghost\s*/@.*?@/[^@]*?\b{name}\s*\(", text, re.S) for text in texts)
            problems += [] if ghost else [f"{name} has no contract"]
        elif not any("assigns" in c and "terminates" in c for c in contracts):
            problems.append(f"the contract of {name} lacks `assigns` or `terminates`")
    return problems


def keyword_problems(root):
    """Words that make the prover believe something without proof."""
    problems = []
    for path in [*root.glob("kernel/core/*.[ch]"), *root.glob("kernel/spec/*.[ch]")]:
        for comment in COMMENT.findall(path.read_text()):
            for word in re.findall(r"\b(?:axiom|admit|check_only)\b.*", comment if "@" in comment else ""):
                problems.append(f"{path.relative_to(root)}: {word.strip()}")
    return problems


def results_problems(root, modules):
    """Files of results of no module, and results of nothing that the module proves."""
    problems = [f"proofs/results/{path.name} is of no module" for path in sorted(root.glob("proofs/results/*"))
                if path.name.removesuffix(".txt") not in modules]
    for name, module in modules.items():
        units = [results.unit_of(result.goal, module["functions"])
                 for result in results.read(root / f"proofs/results/{name}.txt")]
        if None in units:
            problems.append(f"proofs/results/{name}.txt has {units.count(None)} results of no function of the module")
    return problems


def write_unproved(root, modules):
    """Write the section of ASSUMED.md that names the functions without a proved contract."""
    proved = {f for module in modules.values() for f in module["functions"]}
    entries = [f"- `{name}`: {path}\n" for name, path in core_functions(root).items() if name not in proved]
    path = root / "proofs/ASSUMED.md"
    head = path.read_text().split("## Unproved functions\n")[0]
    path.write_text(f"{head}## Unproved functions\n\nFunctions of `kernel/core` without a proved contract "
                    f"(written by `scripts/prove --write-ledger`).\n\n{''.join(entries)}")


def check(root, modules):
    """Everything that is wrong with the ledger, as lines to print."""
    core = core_functions(root)
    proved = [f for module in modules.values() for f in module["functions"]]
    unproved = functions_of(root, "Unproved functions")
    problems = [f"{f} is in two modules of modules.toml" for f in set(proved) if proved.count(f) > 1]
    problems += [f"{core[f]}: {f} is neither in modules.toml nor in ASSUMED.md"
                 for f in core if f not in proved and f not in unproved]
    problems += [f"{f} is both in modules.toml and in ASSUMED.md" for f in unproved if f in proved]
    problems += [f"ASSUMED.md: {f} is not a function of kernel/core" for f in unproved if f not in core]
    problems += [f"ASSUMED.md: leaf {f} has a body in kernel/core"
                 for f in trusted_leaves(root) if f in core]
    declared = set(re.findall(r"\b(\w+)\s*\([^;{}()]*\);",
                              COMMENT.sub("", "".join(p.read_text() for p in root.glob("kernel/core/*leaf.h")))))
    problems += [f"leaf.h and the trusted leaves of ASSUMED.md differ in {f}"
                 for f in sorted(declared ^ set(trusted_leaves(root)))]
    for module in modules.values():
        if module["functions"] and not (root / module["source"]).exists():
            problems.append(f"modules.toml: {module['source']} does not exist")
    return problems + contract_problems(root, proved) + keyword_problems(root) + results_problems(root, modules)
