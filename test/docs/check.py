#!/usr/bin/python3
"""Run the blocks of README.md and docs/, and compare what they print with what is written.

  check.py [--write | --fresh] [-v] [DOCUMENT]...
  check.py --recording SCRIPT OUTPUT

Each document is read from top to bottom, in a database and a psql session of its
own; markdown.py tells which blocks are run and masks.py what is not compared.
What a block prints stands in the document, or else in expected/.  --write puts
what was printed there, in both places, where it is another; --fresh also where
nothing but times and the like is.

With --recording the recording of a script in README.md is compared with a file that
has what the script printed, without a server.

The server is the one that the libpq environment names; it must have pg_nplusone
preloaded, and nobody else may use it.  The last line is "N passed, N failed".
"""

import argparse
import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import markdown
import recording
from bridge import Bridge
from expected import Expected
from masks import mask
from psql import Psql, ask, completed

ROOT = Path(__file__).resolve().parents[2]
ERROR = re.compile(r"^(psql:.*: )?(ERROR|FATAL|PANIC):", re.M)
DATABASES = "SELECT datname FROM pg_database"
ROLES = "SELECT rolname FROM pg_roles"
TIME_LIMIT = 300                # seconds that a block of shell may take
IDLE_GAP = 0.5                  # pg_nplusone.idle_gap, in seconds
ATTEMPTS = 3


def _prints(pattern, *command):
    """Does the command succeed and print this first?"""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and re.match(pattern, done.stdout) is not None


def _python(pattern, program):
    return _prints(pattern, sys.executable, "-c", program)


def _has_hibernate():
    jars = [Path("/usr/share/java") / name for name in ("hibernate3.jar", "javassist.jar", "postgresql.jar")]
    return all(jar.exists() for jar in jars) and _prints("", "javac", "-version")


def _has_prisma():
    """Only on request: it is 300 MB of packages."""
    return bool(os.environ.get("PG_NPLUSONE_LONG")) and _prints("v2", "node", "--version") and _prints("", "npm", "ping")


PHP = "require 'Illuminate/Database/autoload.php'; echo extension_loaded('pdo_pgsql') ? PHP_VERSION : 'none';"

# What a block may need beyond psql, and how to know that it is there, in the
# version whose output the document shows
NEEDS = {
    "django": lambda: _python(r"3\.2", "import django, psycopg2; print(django.__version__)"),
    "sqlalchemy": lambda: _python(r"1\.4", "import sqlalchemy, psycopg2; print(sqlalchemy.__version__)"),
    "rails": lambda: _prints(r"6\.1", "ruby", "-e", "require 'active_record'; require 'pg'; print ActiveRecord.version"),
    "laravel": lambda: _prints(r"8\.", "php", "-r", PHP),
    "hibernate": _has_hibernate,
    "pgtap": lambda: ask("SELECT 1 FROM pg_available_extensions WHERE name = 'pgtap'") != [],
    "prisma": _has_prisma,
}
TCP = ("hibernate",)            # those whose driver knows no Unix sockets


class Document:
    """A document that is being run."""

    def __init__(self, path, options):
        self.path = path
        self.name = str(path.relative_to(ROOT))
        self.lines = path.read_text().split("\n")
        self.blocks = markdown.read(self.lines)
        self.expected = Expected(self.name)
        self.write = options.write or options.fresh
        self.fresh = options.fresh
        self.verbose = options.verbose
        self.changes = []               # blocks of output, and what they shall be
        self.passed = 0
        self.faults = []
        self.stalled = False            # some block may have been paused within a loop
        self.skipped = []
        self.needs = {}

    @property
    def wanted(self):
        return any(block.is_run for block in self.blocks)

    def check(self):
        """Run the whole document."""
        database = "blog"
        before = self._set_up(database)
        self.directory = Path(tempfile.mkdtemp(prefix="docs."))
        os.environ["PGDATABASE"] = database
        self._make_environment()
        self.psql = Psql(database)
        try:
            for block in self.blocks:
                self._check_block(block)
        finally:
            self.psql.close()
            if self.bridge:
                self.bridge.close()
            os.environ["PGDATABASE"] = "postgres"
            shutil.rmtree(self.directory)
            self._clean_up(before)
        self._finish()

    def _set_up(self, database):
        ask(f"DROP DATABASE IF EXISTS {database}")
        before = ask(DATABASES), ask(ROLES)
        ask(f"CREATE DATABASE {database}")
        creates = any(b.is_run and b.text.startswith("CREATE EXTENSION pg_nplusone") for b in self.blocks)
        if not creates:
            ask("CREATE EXTENSION pg_nplusone", database)
        ask("CREATE EXTENSION IF NOT EXISTS pg_nplusone")
        ask("SELECT pg_nplusone_reset()")
        return before

    @staticmethod
    def _clean_up(before):
        databases, roles = before
        for row in ask(DATABASES):
            if row not in databases:
                ask(f'DROP DATABASE "{row[0]}" WITH (FORCE)')
        for row in ask(ROLES):
            if row not in roles:
                ask(f'DROP OWNED BY "{row[0]}"; DROP ROLE "{row[0]}"')

    def _make_environment(self):
        """What the blocks of shell find around them."""
        programs = self.directory / ".bin"
        programs.mkdir()
        (programs / "python3").symlink_to(sys.executable)      # the one that NEEDS was asked with
        self.environment = os.environ | {
            "PATH": f"{programs}:{os.environ['PATH']}",
            # what npm does not have of Prisma, and these pages do not use, is not downloaded
            "PRISMA_SCHEMA_ENGINE_BINARY": "/bin/true",
        }
        self.bridge = None
        if any(b.marks.get("needs") in TCP for b in self.blocks) and os.environ.get("PGHOST", "").startswith("/"):
            self.bridge = Bridge()
            self.environment |= {"PGHOST": "127.0.0.1", "PGPORT": str(self.bridge.port)}

    def _finish(self):
        if self.write:
            for block, text in sorted(self.changes, key=lambda change: -change[0].first):
                self.lines[block.first:block.last] = text.split("\n")
            self.path.write_text("\n".join(self.lines))
            self.expected.write()
            return
        for key in [] if self.skipped else self.expected.unused():
            self._fail(f"{self.name}: expected/ holds the output of a block that is no more: {key}")

    def _check_block(self, block):
        need = block.marks.get("needs")
        if need is not None and not self._is_there(need):
            if need not in self.skipped:
                self.skipped.append(need)
            return
        if "prepare" in block.marks:
            self.psql.pause()
            output = self.psql.run(completed(block.marks["prepare"]))
            if ERROR.search(output):
                self._fail(f"{self.name}:{block.line}: the preparation failed\n{output}")
        if "file" in block.marks:
            file = self.directory / block.marks["file"]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text + "\n")
        elif block.is_run:
            self.psql.pause()
            begin = time.monotonic()
            output = self._run(block)
            self.stalled = self.stalled or time.monotonic() - begin > IDLE_GAP
            self._judge(block, output)

    def _is_there(self, need):
        if need not in NEEDS:
            raise markdown.Fault(f"{self.name}: nothing is known about \"{need}\"")
        if need not in self.needs:
            self.needs[need] = NEEDS[need]()
        return self.needs[need]

    def _run(self, block):
        if "output of" in block.marks:
            return self.psql.run(completed(block.marks["output of"]))
        if block.language in markdown.SQL:
            if completed(block.text) != block.text:
                return "ERROR:  the last statement of the block does not end"
            return self.psql.run(block.text)
        try:
            done = subprocess.run(["bash", "-e", "-c", block.text], cwd=self.directory,
                                  env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, timeout=TIME_LIMIT)
        except subprocess.TimeoutExpired:
            return f"ERROR: no end after {TIME_LIMIT} seconds"
        if done.returncode != 0 and "fails" not in block.marks:
            return f"{done.stdout}\nERROR:  exit status {done.returncode}"
        return done.stdout.rstrip()

    def _judge(self, block, output):
        where = f"{self.name}:{block.line}"
        if self.verbose:
            print(f"-- {where}\n{output}")
        failed = ERROR.search(output) is not None
        if failed != ("fails" in block.marks) and block.language in markdown.SQL + ("sh",):
            self._fail(f"{where}: {'it fails' if failed else 'it should fail'}\n{output}")
            return
        shown = block if "output of" in block.marks else block.output
        written = shown.text if shown is not None else self.expected.of(block)
        volatile = block.volatile()
        wanted, got = mask(written, volatile), mask(output, volatile)
        if wanted == got and not self.fresh:
            self.passed += 1
        elif self.write:
            self.passed += 1
            if shown is not None:
                self.changes.append((shown, output))
            else:
                self.expected.put(block, output)
        else:
            difference = "\n".join(difflib.unified_diff(wanted, got, "written", "printed", lineterm=""))
            self._fail(f"{where}: the output is another\n{difference}")

    def _fail(self, message):
        self.faults.append(message)


def documents():
    return [ROOT / "README.md"] + sorted((ROOT / "docs").rglob("*.md"))


def check_document(path, options):
    """The document as it was checked; None if nothing in it is run.

    A machine that is so busy that a block takes longer than a pause which ends a
    unit of work may have cut a loop in two.  Only then a failure is no answer.
    """
    for attempt in range(ATTEMPTS):
        document = Document(path, options)
        if not document.wanted:
            return None
        document.check()
        if not document.faults or not document.stalled:
            break
        if attempt + 1 < ATTEMPTS:
            print(f"{document.name}: a block took longer than idle_gap; once more", flush=True)
    return document


def report_recording(fault):
    if fault:
        print(f"FAILED {fault}\n")
    print("0 passed, 1 failed" if fault else "1 passed, 0 failed")
    return 1 if fault else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--write", action="store_true", help="put the output into the documents and expected/")
    parser.add_argument("--fresh", action="store_true", help="the same, and take new times and identifiers")
    parser.add_argument("-v", "--verbose", action="store_true", help="show all output")
    parser.add_argument("documents", nargs="*", type=lambda name: Path(name).resolve())
    parser.add_argument("--recording", nargs=2, metavar=("SCRIPT", "OUTPUT"), help="look at the recording of a script")
    options = parser.parse_args()

    if options.recording:
        script, output = options.recording
        return report_recording(recording.fault(script, Path(output).read_text()))
    passed = failed = 0
    for path in options.documents or documents():
        document = check_document(path, options)
        if document is None:
            continue
        for fault in document.faults:
            print(f"FAILED {fault}\n")
        print(f"{document.name}: {document.passed} passed, {len(document.faults)} failed", flush=True)
        for need in document.skipped:
            print(f"skipped: what needs {need} in {document.name}")
        passed, failed = passed + document.passed, failed + len(document.faults)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
