#!/usr/bin/python3
"""What somebody sees who types into psql: completion, descriptions, a report that fits.

psql runs in a terminal of its own (a pty).  The server is the one that the libpq
environment names; it must have pg_nplusone preloaded.  The last line is
"N passed, N failed".
"""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
import unittest

from psql import ask

DATABASE = "docs_terminal"
PROMPT = "terminal=# "
PATIENCE = 30
CONTROL = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x07|\r")
VIEWS = "SELECT relname FROM pg_class WHERE relkind = 'v' AND relname LIKE 'pg\\_nplusone%' ORDER BY 1"
SETTABLE = "SELECT name FROM pg_settings WHERE name LIKE 'pg\\_nplusone.%' AND context IN ('user', 'superuser') ORDER BY 1"

LOOP = ["CREATE TABLE IF NOT EXISTS author (id integer PRIMARY KEY, name text)",
        "CREATE TABLE IF NOT EXISTS post (id integer PRIMARY KEY, author_id integer REFERENCES author, title text)",
        "INSERT INTO author SELECT n, 'author ' || n FROM generate_series(1, 100) n ON CONFLICT DO NOTHING",
        "INSERT INTO post SELECT n, 1 + n * 37 % 100, 'post ' || n FROM generate_series(1, 20000) n ON CONFLICT DO NOTHING",
        "ANALYZE", "SELECT id, author_id, title FROM post ORDER BY id LIMIT 8"]
LOOP += [f"SELECT name FROM author WHERE id = {key}" for key in (38, 75, 12, 49, 86, 23, 60, 97)]
LOOP += ["SELECT id FROM author ORDER BY id LIMIT 8"]
LOOP += [f"SELECT title FROM post WHERE author_id = {key}" for key in range(1, 9)]


class Terminal:
    """psql in a terminal of so many columns."""

    def __init__(self, columns):
        child, self.fd = pty.fork()
        if child == 0:
            os.environ.update(TERM="xterm", PSQL_HISTORY="/dev/null", INPUTRC="/dev/null", PAGER="")
            os.execvp("psql", ["psql", "-X", "-d", DATABASE, "-v", f"PROMPT1={PROMPT}", "-P", "pager=off"])
        self.child = child
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        self.read_until(lambda seen: seen.endswith(PROMPT))

    def read_until(self, done):
        """What has been printed when it is done; without control sequences."""
        seen, until = b"", time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if done(text := CONTROL.sub("", seen.decode(errors="replace"))):
                return text
            if select.select([self.fd], [], [], 0.2)[0]:
                seen += os.read(self.fd, 65536)
        raise AssertionError(f"psql still had not printed what was waited for:\n{text}")

    def type(self, text):
        os.write(self.fd, text.encode())

    def complete(self, text, last):
        """What Tab offers after a text.

        The offers stand in columns, so the last of them may come before others: what is waited for is the
        line that is shown again behind them.
        """
        self.type(text + "\t\t")
        shown = self.read_until(lambda seen: last in seen[len(text):].partition(PROMPT + text)[0]
                                and seen.endswith(PROMPT + text))
        self.type("\x15")                           # the line is not wanted any more
        self.type("\n")
        self.read_until(lambda seen: seen.endswith(PROMPT))
        return shown[len(text):]

    def run(self, text):
        self.type(text + "\n")
        shown = self.read_until(lambda seen: seen.endswith("\n" + PROMPT))
        return shown[len(text):-len(PROMPT)].strip("\n").split("\n")

    def close(self):
        self.type("\x15\\q\n")
        os.waitpid(self.child, 0)
        os.close(self.fd)


class InATerminal(unittest.TestCase):
    def terminal(self, columns):
        terminal = Terminal(columns)
        self.addCleanup(terminal.close)
        return terminal

    def test_settings_are_completed(self):
        settings = [row[0] for row in ask(SETTABLE, DATABASE)]
        shown = self.terminal(200).complete("SET pg_nplusone.", settings[-1])
        for setting in settings:
            self.assertIn(setting, shown)

    def test_so_are_their_values(self):
        shown = self.terminal(200).complete("SET pg_nplusone.action TO ", "warning")
        for value in ("off", "log", "notice", "warning", "error"):
            self.assertRegex(shown, rf"\b{value}\b")

    def test_views_are_completed(self):
        views = [row[0] for row in ask(VIEWS, DATABASE)]
        shown = self.terminal(200).complete("SELECT * FROM pg_nplusone", views[-1])
        for view in views:
            self.assertIn(view, shown)

    def test_functions_are_completed(self):
        self.assertIn("pg_nplusone_reset", self.terminal(200).complete("\\df+ pg_nplusone_re", "pg_nplusone_reset"))

    def test_columns_of_views_are_described(self):
        terminal = self.terminal(200)
        for (view,) in ask(VIEWS, DATABASE):
            lines = terminal.run(f"\\d+ {view}")
            columns = [line.split("|") for line in lines[3:lines.index("View definition:")]]
            self.assertGreater(len(columns), 5)
            for column in columns:
                self.assertNotEqual(column[-1].strip(), "", f"{view}.{column[0].strip()} is not described")

    def test_report_fits(self):
        for columns in (80, 200):
            lines = self.terminal(columns).run(f"SELECT pg_nplusone_report('text', {columns});")
            text = "\n".join(lines)
            for part in ("forward_fk", "CREATE INDEX", "Statements per unit of work"):
                self.assertIn(part, text)
            self.assertEqual([line for line in lines if len(line) > columns], [])
            self.assertGreater(max(len(line.rstrip(" +")) for line in lines), columns * 0.8)


def main():
    ask(f"DROP DATABASE IF EXISTS {DATABASE}")
    ask(f"CREATE DATABASE {DATABASE}")
    try:
        ask("CREATE EXTENSION pg_nplusone", DATABASE)
        ask("SELECT pg_nplusone_reset()", DATABASE)
        subprocess.run(["psql", "-X", "-q", "-d", DATABASE], input=";\n".join(LOOP) + ";\n", text=True, check=True,
                       stdout=subprocess.DEVNULL)
        tests = unittest.defaultTestLoader.loadTestsFromName("__main__")
        outcome = unittest.TextTestRunner(stream=sys.stdout, verbosity=0).run(tests)
    finally:
        ask(f"DROP DATABASE {DATABASE}")
    bad = len(outcome.failures) + len(outcome.errors)
    print(f"{outcome.testsRun - bad} passed, {bad} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
