#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run every command and query of docs/recipes.md, in order, and compare what it prints with what the page says.

usage: recipes_check.py CAPMILL [--update] [--python PYTHON]

`sh` blocks are bash's, `sql` blocks DuckDB's, `python` blocks a program of their own each; the block `text` behind one is what it
prints. A block that needs a package that is not here (polars, pyspark, chdb; jq) is left out, and said so: PYTHON names
an interpreter that has them. --update writes what was printed into the page. Exit status: 0 equal, 1 different, 77 cannot run
here.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile

import tables

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "recipes.md")
BLOCK = re.compile(r"^```(sh|sql|python)\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)


class Missing(Exception):
    pass


class Runner:
    def __init__(self, capmill, python, folder):
        self.python, self.folder = python, folder
        os.mkdir(os.path.join(folder, "bin"))
        os.symlink(os.path.abspath(capmill), os.path.join(folder, "bin", "capmill"))
        self.environment = dict(os.environ, PATH=os.path.join(folder, "bin") + os.pathsep + os.environ["PATH"], LC_ALL="C.UTF-8",
                                TZ="UTC", PYARROW_IGNORE_TIMEZONE="1")

    def command(self, words):
        done = subprocess.run(words, cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=600, check=False)
        if done.returncode != 0:
            raise RuntimeError("status %d: %s" % (done.returncode, done.stderr.strip()[-2000:]))
        return done.stdout

    def sh(self, text):
        if re.search(r"\bjq\b", text) and shutil.which("jq") is None:
            raise Missing("jq")
        return self.command(["bash", "-euo", "pipefail", "-c", text])

    def python_block(self, text):
        packages = re.findall(r"^(?:import|from) (\w+)", text, re.MULTILINE)
        for python in (sys.executable, self.python):
            if subprocess.run([python, "-c", "import " + ", ".join(packages)], stderr=subprocess.DEVNULL, check=False).returncode == 0:
                return self.command([python, "-c", text])
        raise Missing(" or ".join(packages))

    def sql(self, text):
        """As a program of its own too, in the folder."""
        return self.command([sys.executable, "-c", "import duckdb, sys\nduckdb.sql(\"SET TimeZone = 'UTC'\")\n"
                             "print(duckdb.sql(sys.argv[1]))", text])


def trimmed(text):
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("capmill")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--python", default=None)
    options = parser.parse_args()
    if not tables.enter():
        print("skipped: needs the readers of scripts/install_readers.sh")
        return 77
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    n_run = n_wrong = n_missing = 0
    written, at = [], 0
    with tempfile.TemporaryDirectory() as folder:
        runner = Runner(options.capmill, options.python or sys.executable, folder)
        for block in BLOCK.finditer(page):
            language, text, expected = block.groups()
            line = page.count("\n", 0, block.start()) + 1
            try:
                printed = trimmed({"sh": runner.sh, "sql": runner.sql, "python": runner.python_block}[language](text))
                n_run += 1
            except Missing as package:
                print("line %d: left out, %s is not here" % (line, package))
                n_missing += 1
                continue
            except RuntimeError as failure:
                print("line %d: %s" % (line, failure))
                n_wrong += 1
                continue
            if expected is not None and printed != trimmed(expected):
                if options.update:
                    written += [page[at:block.start(3)], printed + "\n"]
                    at = block.end(3)
                else:
                    print("line %d: printed\n%s\nand not\n%s" % (line, printed, trimmed(expected)))
                    n_wrong += 1
    if options.update:
        with open(PAGE, "w", encoding="utf-8") as file:
            file.write("".join(written) + page[at:])
    print("%d blocks ran, %d wrong, %d left out" % (n_run, n_wrong, n_missing))
    return 1 if n_wrong or not n_run else 0


if __name__ == "__main__":
    sys.exit(main())
