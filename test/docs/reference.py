#!/usr/bin/python3
"""docs/reference.md, written from the comments in the catalog and the server's settings.

  reference.py [--write]

Without --write the file that is there is compared with what would be written, and
README.md is searched for what it does not name.  The server is the one that the
libpq environment names; it must have pg_nplusone preloaded.  The last line is
"N passed, N failed".
"""

import argparse
import difflib
import re
import sys
from pathlib import Path

from psql import ask

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference.md"
DATABASE = "docs_reference"

HEAD = """# Reference

All views, functions and settings, as the server itself describes them: written by
`test/docs/reference.py --write` from the comments in the catalog and from
`pg_settings`. To change a text, change the comment. In psql `\\d+ pg_nplusone` and
`\\df+ pg_nplusone*` show the same. What they are for is told in the
[README](../README.md).
"""

OURS = """
  FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
 WHERE e.extname = 'pg_nplusone' AND d.deptype = 'e'"""

VIEWS = f"""
SELECT c.oid, c.relname, coalesce(obj_description(c.oid, 'pg_class'), '')
  FROM pg_class c
 WHERE c.relkind = 'v' AND c.oid IN (SELECT d.objid {OURS} AND d.classid = 'pg_class'::regclass)
 ORDER BY c.relname = 'pg_nplusone' DESC, c.relname"""

COLUMNS = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod), coalesce(col_description(a.attrelid, a.attnum), '')
  FROM pg_attribute a
 WHERE a.attrelid = {} AND a.attnum > 0 AND NOT a.attisdropped
 ORDER BY a.attnum"""

FUNCTIONS = f"""
SELECT p.proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), p.proretset,
       coalesce(obj_description(p.oid, 'pg_proc'), '')
  FROM pg_proc p
 WHERE p.oid IN (SELECT d.objid {OURS} AND d.classid = 'pg_proc'::regclass)
 ORDER BY p.proname, 2"""

SETTINGS = """
SELECT name, CASE WHEN setting = boot_val THEN current_setting(name) ELSE boot_val || coalesce(unit, '') END,
       vartype, coalesce(array_to_string(enumvals, ', '), ''), coalesce(unit, ''),
       coalesce(min_val, ''), coalesce(max_val, ''), context,
       short_desc, coalesce(extra_desc, '')
  FROM pg_settings
 WHERE name LIKE 'pg\\_nplusone.%'
 ORDER BY name"""

WHO = {
    "postmaster": "server start",
    "sighup": "configuration file",
    "superuser": "superuser, or by `GRANT SET`",
    "user": "anyone",
}


def cell(text):
    return text.replace("|", "\\|")


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return lines + ["| " + " | ".join(cell(value) for value in row) + " |" for row in rows]


def sentence(text):
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def views():
    lines, first, known = ["## Views", ""], None, {}
    for oid, name, comment in ask(VIEWS, DATABASE):
        columns = ask(COLUMNS.format(oid), DATABASE)
        known[name] = [column for column, _, _ in columns]
        lines += [f"### {name}", "", sentence(comment), ""]
        if columns == first:
            lines += ["Its columns are those of [pg_nplusone](#pg_nplusone).", ""]
            continue
        first = first or columns
        lines += table(("column", "type", "meaning"), [(f"`{n}`", t, c) for n, t, c in columns]) + [""]
    return lines, known


def functions():
    rows = ask(FUNCTIONS, DATABASE)
    lines = ["## Functions", ""]
    for name, arguments, result, is_set, comment in rows:
        inputs = ", ".join(a for a in arguments.split(", ") if not a.startswith("OUT "))
        gives = "rows" if is_set == "t" else result
        lines += [f"### {name}", "", f"`{name}({inputs}) → {gives}`", "", sentence(comment), ""]
    return lines, [row[0] for row in rows]


def values(vartype, names, unit, least, most):
    if vartype == "bool":
        return "on, off"
    if vartype == "enum":
        return names
    if vartype == "string":
        return "text"
    return f"{least} to {most}" + (f" {unit}" if unit else "")


def settings():
    rows, names = [], []
    for name, default, vartype, names_of, unit, least, most, context, short, extra in ask(SETTINGS, DATABASE):
        names.append(name)
        rows.append((f"`{name}`", f"`{default}`" if default else "empty",
                     values(vartype, names_of, unit, least, most), WHO[context], f"{short} {extra}".strip()))
    lines = ["## Settings", ""] + table(("name", "default", "values", "who may set it", "meaning"), rows)
    return lines + [""], names


def generate():
    """The reference, and the names that are in it."""
    ask(f"DROP DATABASE IF EXISTS {DATABASE}")
    ask(f"CREATE DATABASE {DATABASE}")
    try:
        ask("CREATE EXTENSION pg_nplusone", DATABASE)
        view_lines, known_views = views()
        function_lines, known_functions = functions()
        setting_lines, known_settings = settings()
    finally:
        ask(f"DROP DATABASE {DATABASE}")
    text = "\n".join([HEAD] + view_lines + function_lines + setting_lines)
    columns = [column for columns in known_views.values() for column in columns]
    return text, [*known_views, *columns, *known_functions, *known_settings]


def without_comment(text):
    """The names that the server knows and that it does not describe."""
    return re.findall(r"^\| `(\w+)` \| [^|]* \|  \|$", text, re.M) + re.findall(r"^### (\w+)\n\n(?:`.*`\n\n)?\.$", text, re.M)


def compare(text):
    """What is wrong, one message for each check that fails; how many checks there are."""
    faults = []
    written = REFERENCE.read_text() if REFERENCE.exists() else ""
    if written != text:
        faults.append("docs/reference.md is not what the server says now; test/docs/reference.py --write writes it\n"
                      + "\n".join(difflib.unified_diff(written.split("\n"), text.split("\n"), "written", "now", lineterm="")))
    if without_comment(text):
        faults.append(f"without a comment: {', '.join(without_comment(text))}")
    return faults, 2


def unnamed(names):
    """What README.md does not name, anywhere in code."""
    code = " ".join(re.findall(r"`([^`\n]+)`", (ROOT / "README.md").read_text()))
    words = set(re.findall(r"[\w.]+", code)) | set(re.findall(r"^### (\w+)", (ROOT / "README.md").read_text(), re.M))
    return sorted({name for name in names if name not in words})


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--write", action="store_true", help="write docs/reference.md")
    options = parser.parse_args()

    text, names = generate()
    if options.write:
        REFERENCE.write_text(text)
    faults, checks = compare(text)
    missing = unnamed(names)
    if missing:
        faults.append(f"README.md does not name: {', '.join(missing)}")
    for fault in faults:
        print(f"FAILED {fault}\n")
    print(f"{checks + 1 - len(faults)} passed, {len(faults)} failed")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
