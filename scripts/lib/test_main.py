# Runs every check of the project; `scripts/test --help` says how.
# SPDX-License-Identifier: BSD-2-Clause
import argparse
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts/lib"))
sys.dont_write_bytecode = True

import build  # noqa: E402
import circles  # noqa: E402
import docs  # noqa: E402
import host_tests  # noqa: E402
import sources  # noqa: E402
import tidy  # noqa: E402

BUILD_CLANG = ROOT / "build-clang"
BUILD_SANITIZED = ROOT / "build-sanitized"
# What cppcheck misreads: register variables of calls, constexpr constructors, linker symbols.
MISREAD = ("constStatement", "comparePointers", "uninitMemberVar", "missingInclude", "preprocessorErrorDirective",
           "cppcheckError")  # The last: its own analysis did not end.
STRICT = "-fno-sanitize-recover=all"
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Failed(Exception):
    """A check failed; the text says why."""


def command(*words, **options):
    """Run a tool, show and return what it prints; Failed if it ends with an error."""
    process = subprocess.Popen(list(map(str, words)), cwd=ROOT, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, **options)
    output = ""
    for line in process.stdout:
        line = COLOUR.sub("", line)
        print("   ", line, end="", flush=True)
        output += line
    if process.wait():
        raise Failed(f"{' '.join(map(str, words[:3]))}: exit status {process.returncode}", output)
    return output


def rule(problems):
    def check():
        found = problems()
        for problem in found:
            print("   ", problem)
        if found:
            raise Failed(f"{len(found)} problems")
    return check


def core_files(*suffixes):
    return [str(p) for p in sources.files()
            if p.suffix in suffixes and p.parts[0] in ("kernel", "libsel", "servers", "apps")]


# --- The checks, in their order. A check returns None (it counts as one test) or (passed, failed).
def build_gcc():
    build.configure(build.BUILD)
    command("ninja", "-C", build.BUILD, "-j", build.JOBS, "--quiet", "all", "host-tests")
    if not build.ISO.exists():
        raise Failed("no boot image was made")
    print("   ", (build.BUILD / "boot/kernel-size.txt").read_text().strip())


def build_clang():
    build.configure(BUILD_CLANG, compilers=("clang", "clang++"))
    command("ninja", "-C", BUILD_CLANG, "-j", build.JOBS, "--quiet", "system")


def cppcheck():
    # Relative, as the files are named: it knows a header that was included once by its name alone.
    include = [f"-I{place}" for place in ("kernel", "libsel/include", ".")]
    common = ["cppcheck", "--quiet", "--error-exitcode=1", "--enable=warning", "--inline-suppr", "-j", build.JOBS,
              *(f"--suppress={name}" for name in MISREAD), *include]
    command(*common, "--std=c11", "--language=c", *core_files(".c"))
    command(*common, "--std=c++20", "--language=c++", *core_files(".cpp"))


def clang_tidy():
    looked, bad = tidy.problems(BUILD_CLANG)
    print("".join(bad), end="")
    if bad or not looked:
        raise Failed(f"{len(bad)} of {looked} units have findings")
    print(f"    {looked} units, each once")


def manifests():
    command("python3", "-B", ROOT / "scripts/manifest.py", "check", ROOT)


def unit_tests():
    return host_tests.run_all(build.BUILD)


def sanitized_tests():
    # What clang warns of in host tests is found here: build_clang() leaves them out.
    build.configure(BUILD_SANITIZED, "-Db_sanitize=address,undefined", "-Db_lundef=false", "-Doptimization=1",
                    f"-Dc_args={STRICT}", f"-Dcpp_args={STRICT}", compilers=("clang", "clang++"))
    command("ninja", "-C", BUILD_SANITIZED, "-j", build.JOBS, "--quiet", "host-tests")
    return host_tests.run_all(BUILD_SANITIZED, compiled_only=True)


def lock_step():
    command("python3", "-B", ROOT / "scripts/lib/coverage.py")


def channel():
    command("python3", "-B", ROOT / "libsel/model/check.py")


def leaves():
    command("python3", "-B", ROOT / "proofs/bv_check.py")


def same_source():
    command("python3", "-B", ROOT / "proofs/same_source.py", build.BUILD)


def proofs():
    command(ROOT / "scripts/prove", "--changed")


def proofs_without_results():
    command(ROOT / "scripts/prove", "--doubt", "--minutes", "4")


def scenarios():
    try:
        output = command("python3", "-B", ROOT / "test/system/runner.py")
    except Failed as error:
        output = error.args[1]
    totals = re.search(r"^scenarios: (\d+) passed, (\d+) failed", output, re.M)
    if not totals or not int(totals[1]) + int(totals[2]):
        raise Failed("no scenario ran")
    return int(totals[1]), int(totals[2])


def bench():
    command(ROOT / "scripts/bench", "--no-build")


CHECKS = [  # (title, function, also with --fast)
    ("format", rule(sources.format_problems), True),
    ("layers", rule(sources.layer_problems), True),
    ("circles in the core", rule(circles.problems), True),
    ("fuzz tests of protocols", rule(sources.protocol_problems), True),
    ("what pages name", rule(docs.problems), True),
    ("licence lines", rule(sources.licence_problems), True),
    ("manifests", manifests, True),
    ("build with gcc", build_gcc, True),
    ("build with clang", build_clang, False),
    ("cppcheck", cppcheck, False),
    ("clang-tidy", clang_tidy, False),
    ("unit and model tests", unit_tests, True),
    ("the same with ASan and UBSan", sanitized_tests, False),
    ("lock step and what it reaches", lock_step, False),
    ("bit leaves", leaves, False),
    ("channel in Spin", channel, False),
    ("proved source is compiled source", same_source, True),
    ("proofs that are not as they were sealed", proofs, False),
    ("proofs without kept results", proofs_without_results, False),
    ("QEMU scenarios", scenarios, False),
    ("benchmark against its baseline", bench, False),
]


def run_check(title, function):
    """Run one check: (passed, failed)."""
    print(f"=== {title}", flush=True)
    start = time.monotonic()
    try:
        passed, failed = function() or (1, 0)
    except (Failed, OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
        print(f"    {error.args[0] if isinstance(error, Failed) else error}")
        passed, failed = 0, 1
    verdict = "FAIL" if failed or not passed else "ok"
    print(f"=== {title}: {verdict}, {passed} passed, {failed} failed, {time.monotonic() - start:.0f} s", flush=True)
    return passed, failed or int(not passed)


def main():
    parser = argparse.ArgumentParser(
        prog="scripts/test", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Install what is missing and run every check (about an hour on 2 cores;\n"
                    "--fast: under a minute once things are built).",
        epilog="checks (* also with --fast):\n" +
               "\n".join(f"  {'*' if fast else ' '} {title}" for title, _, fast in CHECKS) +
               "\n\nThe last line is `N passed, N failed`: checks, Catch2 test cases and scenarios.")
    parser.add_argument("--fast", action="store_true", help="only the quick checks")
    parser.add_argument("--only", metavar="PART", help="only checks whose title contains this")
    options = parser.parse_args()
    passed, failed = run_check("set-up", build.setup)
    for title, function, fast in CHECKS:
        if (fast or not options.fast) and (options.only or "") in title:
            good, bad = run_check(title, function)
            passed, failed = passed + good, failed + bad
    print(f"{passed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
