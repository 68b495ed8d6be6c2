"""One session of psql that lasts as long as a document: blocks go in, what they print comes out."""

import os
import re
import select
import subprocess
import time

PATIENCE = 120                  # seconds that a block may take
READERS_PAUSE = 0.6             # between two blocks; longer than pg_nplusone.idle_gap, as with a reader


# a semicolon, a backslash command, or a variable that holds a statement
ENDS = re.compile(r"(;|\\\w+[^\n;]*|\n:\w+)\s*(--[^\n]*)?$")


def completed(text):
    """Text whose last statement is sent by it."""
    return text if ENDS.search(text.rstrip()) else text + "\n;"


class Psql:
    def __init__(self, database):
        self.count = 0
        self.process = subprocess.Popen(
            ["psql", "-X", "-q", "-d", database], bufsize=0,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    @staticmethod
    def pause():
        """A reader reads: what comes next belongs to another unit of work."""
        time.sleep(READERS_PAUSE)

    def run(self, text):
        """Send a block as if it were pasted; its output, errors among it."""
        self.count += 1
        marker = f"-- end of block {self.count} --"
        self.process.stdin.write(f"{text}\n\\echo '{marker}'\n".encode())
        return self._read_until(marker).rstrip()

    def _read_until(self, marker):
        received, until = b"", time.monotonic() + PATIENCE
        end = marker.encode() + b"\n"
        while not received.endswith(end):
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, until - time.monotonic()))
            piece = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            if not piece:
                why = "psql has ended" if ready else f"no answer in {PATIENCE} seconds"
                return received.decode() + f"\nERROR:  {why}"
            received += piece
        return received[:-len(end)].decode()

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=PATIENCE)


def ask(statement, database="postgres"):
    """The rows of one statement in a session of its own, as lists of text."""
    output = subprocess.run(
        ["psql", "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", statement],
        check=True, capture_output=True, text=True).stdout
    return [line.split("\t") for line in output.splitlines()]
