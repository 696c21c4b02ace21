#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs command lines and compares what they print with what is written down. Not for looking inside results that vary.

A case is a file cases/NAME.case. Lines that are not indented are prose. Indented by two blanks:
    $ COMMAND        run by sh in a folder of the case's own; `capmill` is the program under test
    TEXT             a line that the command before must print to standard output; 1> for an empty one
    2> TEXT          a line that it must print to standard error
    [N]              its exit status, where that is not 0
    ! WORD...        what the case needs, else it is skipped: not-root, dev-full
Times, rates and memory of a run are replaced before the comparison, see REPLACEMENTS; a line that ends in " (re)" is a
regular expression. `captures.py NAME FILE` is on the PATH and writes small captures that are known byte by byte.

    run_cases.py --program build/capmill [--update] [NAME...]
With --update the files are rewritten with what the program printed: read the difference before you keep it.
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
TIME_LIMIT_S = 60
SKIPPED = 77

# What differs from run to run.
REPLACEMENTS = [
    (re.compile(r"\bin [\d.]+ (?:ns|µs|ms|s) \([\d.]+ (?:bytes?|[KMGT]iB)/s\)"), "in TIME (RATE)"),
    (re.compile(r"bottleneck: [\w ,>-]+"), "bottleneck: STAGE"),
    (re.compile(r'("(?:elapsed|cpu|busy|waiting|left)_seconds": ?)[\d.]+'), r"\1TIME"),
    (re.compile(r'("(?:bytes|packets)_per_second": ?)[\d.]+(?=,?\n\s*"(?:bytes_per_second|method|bottleneck|outputs))'),
     r"\1RATE"),
    (re.compile(r'("peak_memory_bytes": ?)\d+'), r"\1MEMORY"),
    (re.compile(r'("bottleneck": ?)"[^"]*"'), r'\1"STAGE"'),
]


class Step:
    """A command and what it must do; `first` and `end` are the lines of the file that say so."""

    def __init__(self, command, first):
        self.command = command
        self.first = first
        self.end = first + 1
        self.stdout = []
        self.stderr = []
        self.status = 0


def parse(lines):
    needs, steps = [], []
    for number, line in enumerate(lines):
        if not line.startswith("  "):
            continue
        text = line[2:]
        if text.startswith("! "):
            needs += text[2:].split()
        elif text.startswith("$ "):
            steps.append(Step(text[2:], number))
        elif not steps:
            raise SystemExit(f"line {number + 1}: output before any command")
        else:
            step = steps[-1]
            step.end = number + 1
            status = re.fullmatch(r"\[(\d+)\]", text)
            if status:
                step.status = int(status.group(1))
            elif text.startswith("2> ") or text == "2>":
                step.stderr.append(text[3:])
            else:
                step.stdout.append("" if text == "1>" else text)
    return needs, steps


def missing(needs):
    for need in needs:
        if need == "not-root":
            if os.geteuid() == 0:
                return "running as root"
        elif need == "dev-full":
            if not os.path.exists("/dev/full"):
                return "no /dev/full"
        else:
            raise SystemExit(f"unknown need {need}")
    return None


def normal(data):
    text = data.decode("utf-8", "backslashreplace")
    for pattern, replacement in REPLACEMENTS:
        text = pattern.sub(replacement, text)
    text = text.replace("\r", "\\r").replace("\t", "\\t")
    if text == "":
        return []
    if not text.endswith("\n"):
        text += " (no newline)\n"
    return text[:-1].split("\n")


def execute(command, folder, program):
    environment = {
        "PATH": os.pathsep.join([str(folder / ".bin"), str(HERE), "/usr/local/bin", "/usr/bin", "/bin"]),
        "HOME": str(folder), "LC_ALL": "C.UTF-8", "TZ": "Pacific/Chatham",
    }
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS"):
        if name in os.environ:
            environment[name] = os.environ[name]
    return subprocess.run(["sh", "-c", command], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=TIME_LIMIT_S, check=False)


def same(expected, actual):
    if len(expected) != len(actual):
        return False
    for want, have in zip(expected, actual):
        if want.endswith(" (re)"):
            if not re.fullmatch(want[:-5], have):
                return False
        elif want != have:
            return False
    return True


def as_lines(stdout, stderr, status):
    lines = [f"  {line or '1>'}" for line in stdout]
    lines += [f"  2> {line}".rstrip() for line in stderr]
    if status != 0:
        lines.append(f"  [{status}]")
    return lines


def run_case(path, program, update):
    """None where it passed, else a text that tells why not; a text that begins with "skipped" where it could not run."""
    lines = path.read_text(encoding="utf-8").split("\n")
    needs, steps = parse(lines)
    why = missing(needs)
    if why is not None:
        return f"skipped: {why}"
    if not steps:
        return "no command in it"
    problems, rewritten = [], []
    at = 0
    folder = pathlib.Path(tempfile.mkdtemp(prefix="capmill-cli-"))
    try:
        (folder / ".bin").mkdir()
        (folder / ".bin" / "capmill").symlink_to(program)
        for step in steps:
            try:
                done = execute(step.command, folder, program)
            except subprocess.TimeoutExpired:
                return f"line {step.first + 1}: `{step.command}` ran longer than {TIME_LIMIT_S} s"
            stdout, stderr = normal(done.stdout), normal(done.stderr)
            passed = (same(step.stdout, stdout) and same(step.stderr, stderr) and step.status == done.returncode)
            if not passed:
                wanted = as_lines(step.stdout, step.stderr, step.status)
                got = as_lines(stdout, stderr, done.returncode)
                problems.append(f"line {step.first + 1}: $ {step.command}\n  expected:\n" + "\n".join(wanted) +
                                "\n  got:\n" + "\n".join(got))
            rewritten += lines[at:step.first + 1]
            rewritten += lines[step.first + 1:step.end] if passed else as_lines(stdout, stderr, done.returncode)
            at = step.end
        rewritten += lines[at:]
    finally:
        subprocess.run(["chmod", "-R", "u+rwx", str(folder)], check=False)
        shutil.rmtree(folder, ignore_errors=True)
    if update and problems:
        path.write_text("\n".join(rewritten), encoding="utf-8")
        return "rewritten"
    return "\n".join(problems) if problems else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True, type=pathlib.Path)
    parser.add_argument("--update", action="store_true")
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    program = arguments.program.resolve()
    paths = [HERE / "cases" / f"{name}.case" for name in arguments.names] or sorted((HERE / "cases").glob("*.case"))
    n_failed = n_skipped = 0
    for path in paths:
        result = run_case(path, program, arguments.update)
        if result is None:
            print(f"ok       {path.stem}")
        elif result.startswith("skipped"):
            n_skipped += 1
            print(f"{result}: {path.stem}")
        else:
            n_failed += 1
            print(f"FAILED   {path.stem}\n{result}")
    if n_failed > 0:
        return 1
    return SKIPPED if n_skipped == len(paths) else 0


if __name__ == "__main__":
    sys.exit(main())
