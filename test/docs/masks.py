"""Output without what differs from run to run, so that the rest can be compared.

Tables of psql are taken apart, because the width of a column follows from its
values.  A figure that is masked leaves a star: whether it is there is compared.
"""

import re

VOLATILE = re.compile(
    r"(userid|dbid|datid|pid|clusterid|queryid|parent_queryid|cluster|time|since|started"
    r"|first_seen|last_seen|stats_reset|last_saved|\w+_time|\w+_ms|ms|shared_blks_\w+)$")

RULER = re.compile(r"^-+(\+-+)*$")
RECORD = re.compile(r"^-\[ RECORD (\d+) \]")
FIELD = re.compile(r"^(\w+) *\| ?(.*)$")

IN_TEXT = [
    (re.compile(r"(?<![\w.])-?\d{15,20}\b"), "*"),
    (re.compile(r"\b\d+(?:\.\d+)? (?:ms|us|µs|s|min)\b"), "* ms"),
    (re.compile(r"\bin \d+\.\d+s\b"), "in *s"),
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?(?:[+-]\d\d(?::\d\d)?|Z)?"), "*"),
    (re.compile(r"\* ms +[#-]{2,}"), "* ms *"),
    (re.compile(r"\b(PostgreSQL|Django) \d[\w.]*( \(Debian [^)]*\))?"), r"\1 *"),
    (re.compile(r"^\(?Time: .*"), "Time: *"),
]


def _mask_text(line):
    for pattern, substitute in IN_TEXT:
        line = pattern.sub(substitute, line)
    return " ".join(line.split())


def _mask_cell(name, value, volatile):
    value = value.strip()
    if value and (VOLATILE.match(name) or name in volatile):
        return "*"
    return _mask_text(value)


def _cells(line, ruler):
    """A line of a table, cut where its ruler has a plus."""
    ends = [i for i, char in enumerate(ruler) if char == "+"] + [max(len(line), len(ruler))]
    cells, start = [], 0
    for end in ends:
        cells.append(line[start:end].strip())
        start = end + 1
    return cells


def _mask_table(lines, at, volatile, result):
    """A table whose header is at this line; the index behind it."""
    ruler = lines[at + 1]
    names = _cells(lines[at], ruler)
    result.append(" | ".join(names))
    at += 2
    while at < len(lines) and lines[at].strip() and not re.match(r"^\(\d+ rows?\)$", lines[at]):
        cells = zip(names, _cells(lines[at], ruler))
        result.append(" | ".join(_mask_cell(name, value, volatile) for name, value in cells))
        at += 1
    return at


def mask(text, volatile=()):
    """The lines of an output as they are compared."""
    lines = text.rstrip().split("\n")
    result, at, in_record = [], 0, False
    while at < len(lines):
        line = lines[at].rstrip()
        record = RECORD.match(line)
        found = FIELD.match(line) if in_record else None
        if at + 1 < len(lines) and RULER.match(lines[at + 1].strip()) and not in_record:
            at = _mask_table(lines, at, volatile, result)
            continue
        if record:
            in_record = True
            result.append(f"-[ RECORD {record.group(1)} ]")
        elif found:
            result.append(f"{found.group(1)} | {_mask_cell(found.group(1), found.group(2), volatile)}".rstrip())
        else:
            in_record = in_record and bool(line)
            result.append(_mask_text(line))
        at += 1
    return [line for line in result if line]
