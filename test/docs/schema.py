#!/usr/bin/python3
"""Is what pg_nplusone_report('json') says what docs/report.schema.json says that it is?

The server is the one that the libpq environment names; it must have pg_nplusone
preloaded.  It is given something to report of every kind.  The last line is
"N passed, N failed".
"""

import json
import subprocess
import sys
from pathlib import Path

from jsonschema import Draft202012Validator, FormatChecker

from psql import ask

SCHEMA = Path(__file__).resolve().parents[2] / "docs" / "report.schema.json"
DATABASE = "docs_schema"
LISTS = ("clusters", "index_hints", "requests", "heavy_reads", "connections")

PROGRAM = """
CREATE EXTENSION pg_nplusone;
CREATE TABLE author (id integer PRIMARY KEY, name text);
CREATE TABLE post (id integer PRIMARY KEY, author_id integer REFERENCES author, body text);
INSERT INTO author SELECT g, 'author ' || g FROM generate_series(1, 1000) g;
INSERT INTO post SELECT g, 1 + g % 1000, repeat('-', 3000) FROM generate_series(1, 12000) g;
ALTER TABLE post ALTER body SET STORAGE EXTERNAL;
VACUUM ANALYZE author, post;
SELECT pg_nplusone_reset();
\\c
SET application_name = 'shop';
SELECT name, id FROM author ORDER BY id LIMIT 20;
SELECT format('SELECT id FROM post WHERE author_id = %s /*route=''/authors''*/', id) FROM author ORDER BY id LIMIT 20 \\gexec
\\c
SELECT format('SELECT count(id), %s FROM author', g) FROM generate_series(1, 20) g \\gexec
\\c
SELECT id, author_id, body FROM post;
SELECT id, author_id, body FROM post;
SELECT id FROM post ORDER BY id LIMIT 10 OFFSET 11000;
SELECT id FROM post ORDER BY id LIMIT 10 OFFSET 11500;
"""


def report():
    """A report that has something in each of its lists."""
    ask(f"DROP DATABASE IF EXISTS {DATABASE}")
    ask(f"CREATE DATABASE {DATABASE}")
    try:
        subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", DATABASE], input=PROGRAM, text=True,
                       stdout=subprocess.DEVNULL, check=True)
        return json.loads(ask("SELECT pg_nplusone_report('json')::jsonb", DATABASE)[0][0])
    finally:
        ask(f"DROP DATABASE {DATABASE}")


def objects(schema, path="report"):
    """The objects that a schema describes, each with its path."""
    if "properties" in schema:
        yield path, schema
    for name, part in schema.get("properties", {}).items():
        yield from objects(part, f"{path}.{name}")
    if "items" in schema:
        yield from objects(schema["items"], path + "[]")


def values_at(document, path):
    """The objects of a report that a path of objects() leads to."""
    found = [document]
    for name in path.split(".")[1:]:
        found = [value[name.removesuffix("[]")] for value in found]
        if name.endswith("[]"):
            found = [value for values in found for value in values]
    return found


def checks(schema, document):
    """What is asked, and what is wrong with the answer, if anything."""
    validator = Draft202012Validator(schema, format_checker=FormatChecker())
    errors = [f"{'.'.join(map(str, error.absolute_path))}: {error.message}" for error in validator.iter_errors(document)]
    yield "the report is valid", errors
    yield "it has something in each list", [name for name in LISTS if not document[name]]
    for path, part in objects(schema):
        said = set(part["properties"])
        yield f"{path}: all keys are always there", said ^ set(part["required"])
        yield f"{path}: and no others", {key for value in values_at(document, path) for key in said ^ set(value)}
    for name in ("totals", *LISTS):
        less = {key: value for key, value in document.items() if key != name}
        yield f"a report without {name} is not valid", [name] if validator.is_valid(less) else []


def main():
    schema = json.loads(SCHEMA.read_text())
    Draft202012Validator.check_schema(schema)
    passed = failed = 0
    for what, wrong in checks(schema, report()):
        if wrong:
            failed += 1
            print(f"FAILED {what}: {'; '.join(sorted(map(str, wrong)))}")
        else:
            passed += 1
    print(f"{passed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
