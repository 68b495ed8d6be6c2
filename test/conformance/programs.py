#!/usr/bin/python3
"""What programs send, and what pg_nplusone is to say of it.

A case is a function that plays a program: it gets a Session, whose run() sends
one statement and waits for its rows, like the loop of an application does.
What has to be found stands beside it, as a list of Loop; an empty list says
that nothing may be listed as likely or proven.  Every case is played in the
simple, the extended and the prepared protocol, in a session of its own, and
judged by what the view pg_nplusone has for that session's database role.

  programs.py [--protocol P] [--only TEXT] [-v]

The server is the one that the libpq environment names; it must have
pg_nplusone preloaded.  The last line is "N passed, N failed".
"""

import argparse
import random
import sys
import time

import psycopg

from program_cases import CASES, SCHEMA

DATABASE = "nplusone_programs"
PROTOCOLS = ("simple", "extended", "prepared")
STRONG = ("likely", "proven")
WEAK = ("suspected",)


class Session:
    """A connection that speaks one protocol, and what a program needs of it."""

    def __init__(self, protocol, tags=None):
        self.protocol = protocol
        self.connection = psycopg.connect(
            dbname=DATABASE,
            autocommit=True,
            cursor_factory=psycopg.ClientCursor if protocol == "simple" else psycopg.Cursor,
            prepare_threshold=0 if protocol == "prepared" else None,
        )
        self.random = random.Random(20260101)

    def run(self, sql, *values):
        """The rows of one statement; %s stands for a value."""
        cursor = self.connection.execute(sql, values if values else None)
        return cursor.fetchall() if cursor.description else []

    def one(self, sql, *values):
        rows = self.run(sql, *values)
        return rows[0] if rows else None

    def column(self, number, sql, *values):
        return [row[number] for row in self.run(sql, *values)]

    def new_request(self):
        """Time passes: what follows belongs to another unit of work."""
        time.sleep(0.5)

    def close(self):
        self.connection.close()


def play(case, protocol):
    """The clusters that one run of a case has left."""
    with psycopg.connect(dbname=DATABASE, autocommit=True) as admin:
        admin.execute("SELECT pg_nplusone_reset()")
        session = Session(protocol)
        try:
            session.run("SET pg_nplusone.idle_gap = '400ms'")
            session.run("SELECT pg_nplusone_session_reset()")
            case.program(session)
        finally:
            session.close()
        return admin.execute(
            "SELECT pattern, confidence, link, loops, calls, query FROM pg_nplusone ORDER BY calls DESC, query"
        ).fetchall()


def fits(loop, row):
    """Is this cluster the loop that was expected?"""
    pattern, confidence, link, loops, calls, query = row
    return (
        (loop.pattern is None or pattern in loop.pattern.split("|"))
        and confidence in loop.confidence
        and (loop.link is None or link == loop.link)
        and (loop.loops is None or loops == loop.loops)
        and (loop.calls is None or calls == loop.calls)
        and (loop.query is None or loop.query in query)
    )


def judge(case, rows):
    """What is wrong, as a list of sentences."""
    wrong = []
    left = [row for row in rows if row[1] in STRONG]
    for loop in case.loops:
        row = next((row for row in rows if fits(loop, row)), None)
        if row is None:
            wrong.append(f"not found: {loop}")
        elif row in left:
            left.remove(row)
    if not case.more:
        wrong += [f"found without cause: {row[:5]} {row[5][:70]}" for row in left]
    return wrong


def prepare():
    with psycopg.connect(dbname="postgres", autocommit=True) as admin:
        if admin.execute("SHOW shared_preload_libraries").fetchone()[0].find("pg_nplusone") < 0:
            sys.exit("pg_nplusone is not preloaded")
        admin.execute(f"DROP DATABASE IF EXISTS {DATABASE}")
        admin.execute(f"CREATE DATABASE {DATABASE}")
    with psycopg.connect(dbname=DATABASE, autocommit=True) as admin:
        admin.execute("CREATE EXTENSION pg_nplusone")
        admin.execute(SCHEMA)
        admin.execute("VACUUM ANALYZE")


def drop():
    with psycopg.connect(dbname="postgres", autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--protocol", choices=PROTOCOLS)
    options.add_argument("--only", default="", help="cases whose name has this in it")
    options.add_argument("-v", action="store_true", help="also show what was found")
    chosen = options.parse_args()
    passed = failed = 0

    prepare()
    for case in CASES:
        if chosen.only not in case.name:
            continue
        for protocol in [chosen.protocol] if chosen.protocol else PROTOCOLS:
            rows = play(case, protocol)
            wrong = judge(case, rows)
            passed += not wrong
            failed += bool(wrong)
            if wrong or chosen.v:
                print(f"{'not ok' if wrong else 'ok'} - {case.name} ({protocol})")
                for sentence in wrong:
                    print(f"    {sentence}")
                for row in rows:
                    print(f"    listed: {' | '.join(str(field) for field in row[:5])} | {row[5][:90]}")
    drop()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
