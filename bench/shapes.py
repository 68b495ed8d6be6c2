"""What is measured: the tables, and the shapes of traffic that pgbench sends.

A shape is a pgbench script, the protocol it is sent with, and how many
statements one run of the script holds.  Only statements that the executor
runs are counted; BEGIN and COMMIT belong to the statements they surround.
"""

from dataclasses import dataclass, field

LIST_ROWS = 100
JOIN_TABLES = 10
FINGERPRINT_DIGITS = 7            # of four columns each: 16,384 fingerprints

SCHEMA = f"""
CREATE TABLE author (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE post (id int PRIMARY KEY, author_id int NOT NULL REFERENCES author,
                   shelf int NOT NULL, title text NOT NULL);
INSERT INTO author SELECT i, 'author ' || i FROM generate_series(1, 10000) i;
INSERT INTO post SELECT i, 1 + i * 7919 % 10000, i / {LIST_ROWS}, 'post ' || i
  FROM generate_series(0, 9999) i;
CREATE INDEX ON post (shelf);

CREATE TABLE wide (id int PRIMARY KEY, c2 int, c3 int, c4 int, c5 text,
                   c6 text, c7 text, c8 float8, c9 timestamptz, c10 numeric);
INSERT INTO wide SELECT i, i, i * 2, i * 3, 'five ' || i, 'six ' || i,
  'seven ' || i, i / 7.0, '2024-01-01'::timestamptz + i * interval '1 min', i / 8.0
  FROM generate_series(1, 1000) i;

CREATE TABLE big (id int, n int, t text);
INSERT INTO big SELECT i, i % 1000, 'row ' || i FROM generate_series(1, :rows) i;

CREATE TABLE written (id int PRIMARY KEY, n int NOT NULL) WITH (fillfactor = 50);
INSERT INTO written SELECT i, 0 FROM generate_series(1, 1000) i;
CREATE TABLE inserted (id int, n int, t text);

CREATE TABLE coded (id int PRIMARY KEY, a int NOT NULL, b int NOT NULL, c int NOT NULL,
                    d int NOT NULL);
INSERT INTO coded SELECT i, i, -i, 2 * i, 3 * i FROM generate_series(1, 1000) i;
""" + "".join(f"""
CREATE TABLE kind{i} (id int PRIMARY KEY, next int NOT NULL, t text);
INSERT INTO kind{i} SELECT i, 1 + i * 31 % 1000, 'kind ' || i
  FROM generate_series(1, 1000) i;
""" for i in range(JOIN_TABLES)) + """
CREATE FUNCTION look_up(n int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  found text;
  total bigint := 0;
BEGIN
  FOR i IN 1 .. n LOOP
    SELECT name INTO found FROM author WHERE id = i;
    total := total + length(found);
  END LOOP;
  RETURN total;
END $$;
"""

# How much of the tables a scan need not check row by row: to be all of it.
VISIBLE = """VACUUM ANALYZE;
SELECT bool_and(relallvisible = relpages) FROM pg_class
  WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace;
"""


@dataclass
class Shape:
    """One shape of traffic."""
    name: str
    title: str
    script: str
    statements: int                 # that one run of the script executes
    mode: str = "prepared"
    lengths: tuple = (100, 300)     # runs of the script, for the slope
    seconds: float = 1              # of one throughput run
    options: dict = field(default_factory=dict)     # settings of the session
    in_target: bool = True          # one row a statement: held to a quarter


MODES = ("prepared", "extended", "simple")


def _point(mode):
    script = ("\\set id random(1, 10000)\n"
              "SELECT name FROM author WHERE id = :id;\n")
    return Shape(f"point-{mode}", f"point SELECT, {mode}", script, 1, mode, (500, 2500))


def _loop(mode):
    lines = ["\\set shelf random(1, 98)", "BEGIN;",
             "SELECT id, title FROM post WHERE shelf = :shelf ORDER BY id;"]
    for i in range(LIST_ROWS):
        lines.append(f"\\set id :shelf * {LIST_ROWS} + {i}")
        lines.append("SELECT title, author_id FROM post WHERE id = :id;")
    lines.append("COMMIT;")
    return Shape(f"loop-{mode}", f"100 in a transaction after a list (a loop), {mode}",
                 "\n".join(lines) + "\n", LIST_ROWS + 1, mode, (8, 28))


def _eight_lines():
    lines = ["\\set id random(1, 1000)", "BEGIN;"]
    lines += [f"SELECT t FROM kind{i} WHERE id = :id;" for i in range(8)]
    return lines + ["COMMIT;"]


def _eight_apart(mode):
    lines = _eight_lines() + ["\\sleep 12 ms"]
    return Shape(f"eight-{mode}",
                 f"eight different statements a transaction, a request each (no loop), {mode}",
                 "\n".join(lines) + "\n", 8, mode, (50, 250),
                 options={"pg_nplusone.idle_gap": "4ms"})


def _eight_hot():
    return Shape("eight-hot", "eight different statements a transaction, back to back, prepared",
                 "\n".join(_eight_lines()) + "\n", 8, "prepared", (50, 350))


def _pipeline():
    lines = ["\\startpipeline"]
    for _ in range(100):
        lines += ["\\set id random(1, 10000)", "SELECT name FROM author WHERE id = :id;"]
    lines.append("\\endpipeline")
    return Shape("pipeline", "100 point SELECTs in a pipeline, prepared",
                 "\n".join(lines) + "\n", 100, "prepared", (8, 28))


def _tpcb():
    script = ("\\set aid random(1, 100000)\n\\set bid 1\n\\set tid random(1, 10)\n"
              "\\set delta random(-5000, 5000)\nBEGIN;\n"
              "UPDATE pgbench_accounts SET abalance = abalance + :delta WHERE aid = :aid;\n"
              "SELECT abalance FROM pgbench_accounts WHERE aid = :aid;\n"
              "UPDATE pgbench_tellers SET tbalance = tbalance + :delta WHERE tid = :tid;\n"
              "UPDATE pgbench_branches SET bbalance = bbalance + :delta WHERE bid = :bid;\n"
              "INSERT INTO pgbench_history (tid, bid, aid, delta, mtime)"
              " VALUES (:tid, :bid, :aid, :delta, CURRENT_TIMESTAMP);\nEND;\n")
    return Shape("tpcb", "pgbench TPC-B, prepared", script, 5, "prepared", (100, 500))


def _thousand():
    return Shape("thousand", "SELECT of 1,000 rows, 10 columns, prepared",
                 "SELECT * FROM wide;\n", 1, "prepared", (8, 18), in_target=False)


def _million_all():
    return Shape("million-all", "scan of a million rows, all returned, prepared",
                 "SELECT id, n, t FROM big;\n", 1, "prepared", (1, 2), seconds=3,
                 in_target=False)


def _million_one():
    return Shape("million-one", "scan of a million rows, one returned, prepared",
                 "SELECT sum(n) FROM big WHERE n >= 0;\n", 1, "prepared", (1, 3),
                 seconds=3, in_target=False)


def _join():
    tables = "kind0 AS k0 " + " ".join(
        f"JOIN kind{i} AS k{i} ON k{i}.id = k{i - 1}.next" for i in range(1, JOIN_TABLES))
    script = ("\\set id random(1, 1000)\n"
              f"SELECT k{JOIN_TABLES - 1}.t FROM {tables} WHERE k0.id = :id;\n")
    return Shape("join", f"{JOIN_TABLES}-way join of one row, prepared", script, 1,
                 "prepared", (20, 220))


def _insert():
    return Shape("insert", "INSERT of one row, prepared",
                 "\\set id random(1, 1000)\n"
                 "INSERT INTO inserted VALUES (:id, 0, 'inserted');\n", 1,
                 "prepared", (500, 1500))


def _update():
    return Shape("update", "UPDATE of one row, prepared",
                 "\\set id random(1, 1000)\n"
                 "UPDATE written SET n = n + 1 WHERE id = :id;\n", 1,
                 "prepared", (500, 1500))


def _plpgsql():
    return Shape("plpgsql", "PL/pgSQL loop of 100 look-ups, track = all",
                 "SELECT look_up(100);\n", 101, "prepared", (8, 38),
                 options={"pg_nplusone.track": "all", "pg_stat_statements.track": "all"})


def coded(number):
    """A statement with a fingerprint of its own for each number."""
    columns = ", ".join("abcd"[number >> 2 * digit & 3] for digit in range(FINGERPRINT_DIGITS))
    return f"SELECT {columns} FROM coded WHERE id = :id;"


def _fingerprints(count):
    runs = max(1, 1000 // count)
    lines = []
    for i in range(count):
        lines += ["\\set id random(1, 1000)", coded(i)]
    title = "1 fingerprint" if count == 1 else f"{count:,} distinct fingerprints in turn"
    return Shape(f"fingerprints-{count}", f"{title}, simple", "\n".join(lines) + "\n", count,
                 "simple", (runs, 2 * runs))


def all_shapes():
    """Every shape, in the order of the report."""
    shapes = [_point(mode) for mode in MODES]
    shapes += [_loop(mode) for mode in MODES]
    shapes += [_eight_apart(mode) for mode in MODES]
    shapes += [_eight_hot(), _pipeline(), _tpcb(), _insert(), _update(), _join(),
               _plpgsql(), _thousand(), _million_all(), _million_one()]
    shapes += [_fingerprints(count) for count in (1, 10, 64, 100, 1000, 10000)]
    return shapes
