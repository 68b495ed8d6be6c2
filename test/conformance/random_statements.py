#!/usr/bin/python3
"""Random statements, sent twice: pg_nplusone must not change what becomes of them.

  random_statements.py [--seconds N] [--seed N] [--dbname NAME] [-v]

Every program is a short series of random statements in a transaction that is
rolled back.  It runs in a session that pg_nplusone does not follow and then in
one where it does all that it can (track = all, threshold = 2, every statement
looked at for hints).  The error code and the number of rows of every statement
must be the same, no process may crash, and the memory of the session that is
followed may not grow.

Without --dbname a database is made in which there is something of everything.
The server is the one that the libpq environment names.  The last line is
"N passed, N failed".
"""

import argparse
import sys
import time

import psycopg

from random_sql import Catalog, Generator

DATABASE = "nplusone_random"
SCHEMA = """
CREATE EXTENSION pg_nplusone;
CREATE TABLE author (id int PRIMARY KEY, name text, born date, rating numeric, data jsonb, tags text[]);
CREATE TABLE post (id bigint PRIMARY KEY, author_id int REFERENCES author ON DELETE CASCADE, title varchar, body text,
                   at timestamptz, seen bool, parent bigint REFERENCES post, uuid uuid, span int4range);
CREATE TABLE "Odd ""x"" table" ("select" int, "a b" text, "\u00e9" float8, raw bytea, ip inet, CHECK ("select" IS NOT NULL));
CREATE TABLE measure (at timestamp, value float8, kind int2) PARTITION BY RANGE (kind);
CREATE TABLE measure_1 PARTITION OF measure FOR VALUES FROM (0) TO (10);
CREATE TABLE measure_2 PARTITION OF measure FOR VALUES FROM (10) TO (20);
CREATE INDEX ON post (author_id);
CREATE VIEW recent AS SELECT p.id, p.title, a.name FROM post p JOIN author a ON a.id = p.author_id WHERE p.seen;
CREATE MATERIALIZED VIEW totals AS SELECT kind, sum(value) AS sum, count(*) AS n FROM measure GROUP BY kind;
INSERT INTO author SELECT g, 'author ' || g, date '1970-01-01' + g, g / 7.0, jsonb_build_object('a', g), ARRAY['x', g::text]
  FROM generate_series(1, 300) g;
INSERT INTO post SELECT g, 1 + g * 7 % 300, 'title ' || g, repeat('body ', g % 30), timestamptz '2000-01-01' + g * interval '1 hour',
                        g % 3 = 0, nullif(g / 2, 0), NULL, int4range(g, g + 5) FROM generate_series(1, 3000) g;
INSERT INTO "Odd ""x"" table" SELECT g, 'x' || g, g, decode(lpad(to_hex(g), 8, '0'), 'hex'), '10.0.0.1' FROM generate_series(1, 100) g;
INSERT INTO measure SELECT timestamp '2000-01-01' + g * interval '1 minute', g / 3.0, g % 20 FROM generate_series(1, 2000) g;
CREATE FUNCTION authors_of(n int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE p record; s int := 0;
BEGIN
  FOR p IN SELECT author_id FROM post ORDER BY id LIMIT n LOOP
    PERFORM name FROM author WHERE id = p.author_id;
    s := s + 1;
  END LOOP;
  RETURN s;
END $$;
REFRESH MATERIALIZED VIEW totals;
ANALYZE;
"""

COMMON = ["statement_timeout = '500ms'", "lock_timeout = '300ms'", "client_min_messages = error", "extra_float_digits = 0",
          "max_parallel_workers_per_gather = 0"]
BARE = ["pg_nplusone.track = 'none'", "pg_nplusone.index_hints = off"]
FOLLOWED = ["pg_nplusone.track = 'all'", "pg_nplusone.threshold = 2", "pg_nplusone.hint_min_time = 0", "pg_nplusone.action = log"]
SETTINGS = ["plan_cache_mode = force_generic_plan", "plan_cache_mode = force_custom_plan", "plan_cache_mode = auto",
            "enable_seqscan = off", "enable_seqscan = on", "enable_hashjoin = off", "enable_hashjoin = on", "search_path = public",
            "search_path = ''", "standard_conforming_strings = on", "DateStyle = 'German'", "work_mem = '64kB'"]

# What depends on the clock and not on the statement
TIMING = ("57014", "55P03")


class Follower:
    """A session and what became of the statements it was given."""

    def __init__(self, dbname, settings):
        self.connection = psycopg.connect(dbname=dbname, autocommit=True, prepare_threshold=None)
        for setting in COMMON + settings:
            self.connection.execute(f"SET {setting}")
        self.pid = self.connection.info.backend_pid

    def send(self, statement, values=None, how="extended"):
        """(SQLSTATE or "", number of rows), and the rows."""
        cursor = psycopg.ClientCursor(self.connection) if how == "simple" else psycopg.Cursor(self.connection)
        try:
            cursor.execute(statement, values, **({"prepare": True} if how == "prepared" else {}))
            rows = cursor.fetchall() if cursor.description else []
            return ("", cursor.rowcount), rows
        except psycopg.OperationalError as error:
            if self.connection.closed:
                raise
            return (error.sqlstate or type(error).__name__, -1), []
        except (psycopg.Error, ValueError, OverflowError, UnicodeError) as error:
            return (getattr(error, "sqlstate", None) or type(error).__name__, -1), []

    def play(self, program):
        self.send("BEGIN")
        try:
            return [outcome for outcome in program(self)]
        finally:
            self.send("ROLLBACK")

    def resident(self):
        with open(f"/proc/{self.pid}/status") as status:
            return next((int(line.split()[1]) for line in status if line.startswith("RssAnon")), 0)


def single(statement, how):
    def program(session):
        yield session.send(statement, None, how)[0]
    return program


def loop(parent, child, how):
    """A list, then one statement for each of its rows, until one fails."""
    def program(session):
        outcome, rows = session.send(parent, None, how)
        yield outcome
        for row in rows:
            outcome, _ = session.send(child, (row[0],), how)
            yield outcome
            if outcome[0]:
                break
    return program


def series(*statements):
    def program(session):
        for statement in statements:
            yield session.send(statement, None, "simple")[0]
    return program


def cursor_program(select, fetch):
    return series(f"DECLARE c SCROLL CURSOR FOR {select}", f"FETCH {fetch} FROM c", "FETCH BACKWARD 1 FROM c",
                  f"MOVE {fetch} FROM c", "FETCH ALL FROM c", "CLOSE c")


def savepoint_program(first, second):
    return series("SAVEPOINT s", first, "ROLLBACK TO s", second, "RELEASE s", first)


def other_program(generator):
    """Utilities that carry queries."""
    select = generator.select()
    return generator.random.choice([
        lambda: series(f"EXPLAIN {select}"),
        lambda: series(f"EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF) {select}"),
        lambda: series(f"CREATE TEMP TABLE made AS {select}", "SELECT count(*) FROM made", "SELECT * FROM made LIMIT 3"),
        lambda: series(f"COPY ({select}) TO '/dev/null'"),
        lambda: series(f"PREPARE p AS {select}", "EXECUTE p", "EXECUTE p", "EXECUTE p", "DEALLOCATE p"),
        lambda: series("SELECT authors_of(20)", "DO $$ BEGIN PERFORM 1 FROM pg_class LIMIT 5; END $$"),
        lambda: series(*["SET LOCAL " + generator.random.choice(SETTINGS) for _ in range(2)], select, select),
        lambda: series(generator.write() + ";" + generator.write()),
        lambda: series(*[generator.write()] * 5),
    ])()


def next_program(generator):
    draw = generator.random.random()
    how = generator.random.choice(["simple", "extended", "prepared"])
    if draw < 0.4:
        return single(generator.decorated(generator.select()), how)
    if draw < 0.55:
        return single(generator.decorated(generator.write()), how)
    if draw < 0.8:
        parent, kind = generator.parent()
        child = generator.child(kind)
        if generator.chance(0.2):
            child += " " + generator.comment().replace("%", "%%")
        return loop(parent, child, how)
    if draw < 0.86:
        return cursor_program(generator.select(), generator.random.choice(["1", "5", "ALL", "LAST"]))
    if draw < 0.9:
        return savepoint_program(generator.write(), generator.write())
    return other_program(generator)


def differs(one, other):
    """Is there a difference that timing does not explain?"""
    for a, b in zip(one, other):
        if a[0] in TIMING or b[0] in TIMING:
            return False
        if a != b:
            return True
    return len(one) != len(other)


def make_database():
    with psycopg.connect(autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {DATABASE}")
        admin.execute(f"CREATE DATABASE {DATABASE} TEMPLATE template0 ENCODING 'UTF8'")
    with psycopg.connect(dbname=DATABASE, autocommit=True) as admin:
        admin.execute(SCHEMA)


class Run:
    def __init__(self, options, dbname):
        self.options = options
        self.bare = Follower(dbname, BARE)
        self.followed = Follower(dbname, FOLLOWED)
        self.generator = Generator(Catalog(self.bare.connection), options.seed)
        self.programs = self.statements = self.errors = self.failed = 0
        self.warm = None

    def step(self):
        program = next_program(self.generator)
        expected = self.bare.play(program)
        got = self.followed.play(program)
        # an answer that depends on more than the statement differs from itself
        if differs(expected, got) and not any(differs(self.bare.play(program), expected) for _ in range(3)):
            again = self.followed.play(program)
            if differs(expected, again):
                self.failed += 1
                self.tell(program, expected, again)
        self.programs += 1
        self.statements += len(got)
        self.errors += sum(1 for outcome in got if outcome[0])
        if self.programs == 2000:
            self.warm = self.followed.resident()

    def tell(self, program, expected, got):
        sent = [cell.cell_contents for cell in program.__closure__]
        print(f"DIFFERENT {sent}\n  bare     {expected}\n  followed {got}")

    def go(self):
        end = time.monotonic() + self.options.seconds
        try:
            while time.monotonic() < end:
                self.step()
        except psycopg.OperationalError as error:
            print(f"program {self.programs + 1}: {error}")
            self.failed += 1
        if self.warm is not None and not self.followed.connection.closed:
            print(f"memory of the session, kB: {self.warm} after 2,000 programs, {self.followed.resident()} at the end")
        print(f"{self.programs} programs, {self.statements} statements, of which {self.errors} failed, as they do without; seed {self.options.seed}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=20260101)
    parser.add_argument("--dbname")
    options = parser.parse_args()

    if options.dbname is None:
        make_database()
    run = Run(options, options.dbname or DATABASE)
    run.go()
    passed = 1 if run.failed == 0 and run.programs > 0 else 0
    print(f"{passed} passed, {run.failed if run.failed else 1 - passed} failed")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
