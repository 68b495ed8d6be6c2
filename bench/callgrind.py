"""Run a server under callgrind and read what it counted for one backend."""

import glob
import os
import re
import subprocess
import time
from collections import defaultdict
from dataclasses import dataclass, field, replace

OURS = "pg_nplusone.so"

# The server waits for the client in the first and flushes statistics, once a
# second, in the second: neither belongs to a statement.  What a flush throws
# away is made again by the next statements, so there is little to flush.
QUIET_SETTINGS = {"track_counts": "off"}
BY_THE_CLOCK = ("secure_read", "pgstat_report_stat")

_NAME = re.compile(r"\((\d+)\)(?: (.*))?")


@dataclass
class Profile:
    """Instructions and calls of one process, or of the difference of two."""
    total: float = 0
    # (object, function) -> instructions in the function itself
    own: dict = field(default_factory=lambda: defaultdict(float))
    # (caller object, caller, callee object, callee) -> [calls, instructions in them]
    edges: dict = field(default_factory=lambda: defaultdict(lambda: [0.0, 0.0]))
    # (object, function) -> times that a locked instruction was executed
    locked: dict = field(default_factory=lambda: defaultdict(float))
    # (file, line) of our own code -> instructions, inlined code where it was written
    lines: dict = field(default_factory=lambda: defaultdict(float))

    def slope(self, longer, statements):
        """What one statement took: this run against a longer one."""
        result = Profile((longer.total - self.total) / statements)
        for key in set(self.own) | set(longer.own):
            result.own[key] = (longer.own[key] - self.own[key]) / statements
        for key in set(self.edges) | set(longer.edges):
            one, other = self.edges[key], longer.edges[key]
            result.edges[key] = [(b - a) / statements for a, b in zip(one, other)]
        for key in set(self.locked) | set(longer.locked):
            result.locked[key] = (longer.locked[key] - self.locked[key]) / statements
        for key in set(self.lines) | set(longer.lines):
            result.lines[key] = (longer.lines[key] - self.lines[key]) / statements
        return result

    def inclusive(self, function):
        """Instructions in a function and all that it calls."""
        return sum(edge[1] for key, edge in self.edges.items()
                   if key[3] == function and key[1] != function)

    def steady(self):
        """
        Instructions that do not depend on when the client's bytes arrive or
        on how often a second has passed.
        """
        return self.total - sum(self.inclusive(function) for function in BY_THE_CLOCK)

    def calls(self, function):
        """Calls of a function, from wherever."""
        return sum(edge[0] for key, edge in self.edges.items() if key[3] == function)

    def calls_from(self, library, function):
        """Calls of a function directly from one library."""
        return sum(edge[0] for key, edge in self.edges.items()
                   if key[3] == function and key[0] == library)


class _Names:
    """Names in callgrind's files are given once and then by number."""

    def __init__(self):
        self.known = {}

    def get(self, text):
        match = _NAME.match(text)
        if match is None:
            return text
        number, name = match.groups()
        if name is not None:
            # callgrind marks recursion levels: f, f'2, ...
            self.known[number] = name.split("'")[0]
        return self.known[number]


def _locked_addresses(path, cache={}):
    """Addresses of instructions that lock the bus, as objdump shows them."""
    if path not in cache:
        addresses = set()
        if os.path.exists(path):
            text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", path], check=True,
                                  text=True, stdout=subprocess.PIPE).stdout
            for line in text.splitlines():
                if "\tlock " in line or re.search(r"\txchg[bwlq]? .*\(", line):
                    addresses.add(int(line.split(":")[0], 16))
        cache[path] = addresses
    return cache[path]


def read(path):
    """Read one output file of callgrind, with or without --dump-instr."""
    profile = Profile()
    objects, functions, sources = _Names(), _Names(), _Names()
    obj = fn = cob = cfn = ""
    source = ""
    address = line_number = 0
    locked = set()
    with_instr = False
    key = None
    calls = 0
    own, edges = profile.own, profile.edges
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            first = line[0]
            if first in "0123456789+-*":
                parts = line.split()
                if with_instr:
                    where = parts[0]
                    if where[0] == "+":
                        address += int(where[1:], 0)
                    elif where[0] == "-":
                        address -= int(where[1:], 0)
                    elif where[0] != "*":
                        address = int(where, 0)
                where = parts[with_instr]
                if where[0] == "+":
                    line_number += int(where[1:])
                elif where[0] == "-":
                    line_number -= int(where[1:])
                elif where[0] != "*":
                    line_number = int(where)
                cost = int(parts[-1]) if len(parts) > 1 + with_instr else 0
                if calls:
                    edge = edges[(obj, fn, cob or obj, cfn)]
                    edge[0] += calls
                    edge[1] += cost
                    calls = 0
                    cob = ""
                else:
                    own[key] += cost
                    if obj == OURS:
                        profile.lines[(source, line_number)] += cost
                    if with_instr and address in locked:
                        profile.locked[key] += cost
            elif first == "c" and line.startswith("cfn="):
                cfn = functions.get(line[4:].rstrip("\n"))
            elif first == "c" and line.startswith("cob="):
                cob = objects.get(line[4:].rstrip("\n"))
                cob = os.path.basename(cob)
            elif first == "c" and line.startswith(("cfi=", "cfl=")):
                sources.get(line[4:].rstrip("\n"))
            elif first == "c" and line.startswith("calls="):
                calls = int(line[6:].split()[0])
            elif line.startswith(("fl=", "fi=", "fe=")):
                source = os.path.basename(sources.get(line[3:].rstrip("\n")))
            elif line.startswith("fn="):
                fn = functions.get(line[3:].rstrip("\n"))
                key = (obj, fn)
            elif line.startswith("ob="):
                full = objects.get(line[3:].rstrip("\n"))
                obj = os.path.basename(full)
                locked = _locked_addresses(full) if with_instr else set()
                key = (obj, fn)
            elif line.startswith("positions:"):
                with_instr = "instr" in line
            elif line.startswith(("summary:", "totals:")):
                profile.total = float(line.split()[1])
    return profile


class CallgrindServer:
    """A server whose backends leave a profile each when they exit."""

    def __init__(self, server, instructions=True):
        self.server = server
        self.pattern = str(server.farm.dir / f"cg-{server.config.name}.")
        self.seen = set()
        server.config = replace(server.config,
                                settings=dict(server.config.settings, **QUIET_SETTINGS))
        server.start(["valgrind", "--tool=callgrind", "-q", "--trace-children=yes",
                      f"--dump-instr={'yes' if instructions else 'no'}",
                      f"--callgrind-out-file={self.pattern}%p"])

    def profile(self, shape, runs):
        """The profile of the backend that served one run of pgbench."""
        before = set(glob.glob(self.pattern + "*"))
        self.server.pgbench(shape, "-c", "1", "-t", str(runs))
        # pgbench asks something on a connection of its own before it starts
        files = set()
        for _ in range(600):
            time.sleep(0.1)
            files = set(glob.glob(self.pattern + "*")) - before
            if len(files) >= 2 and all(_is_complete(path) for path in files):
                break
        else:
            raise RuntimeError(f"callgrind left {len(files)} profiles of {shape.name}")
        largest = max(files, key=os.path.getsize)
        totals = {path: _total(path) for path in files}
        largest = max(totals, key=totals.get)
        profile = read(largest)
        for path in files:
            os.unlink(path)
        return profile


def _tail(path):
    with open(path, "rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - 200))
        return file.read().decode(errors="replace")


def _is_complete(path):
    return "totals:" in _tail(path)


def _total(path):
    match = re.search(r"totals: (\d+)", _tail(path))
    return int(match.group(1)) if match else 0


def slope(server, shape, warm=True):
    """Profile per statement, from two run lengths of which start-up drops out."""
    short, long = shape.lengths
    if warm:
        server.profile(shape, short)
    return server.profile(shape, short).slope(
        server.profile(shape, long), (long - short) * shape.statements)
