"""Builds and runs contention.c: counting statements in many processes."""

import os
import subprocess
import tempfile
from pathlib import Path

PROCESSES = (1, 2, 4, 8, 16, 32, 64)
DESIGNS = ("none", "theirs", "ours")
SECONDS = 0.5
ROUNDS = 5


def measure():
    """Statements and shared writes a second, the best of some rounds each."""
    results = {}
    with tempfile.TemporaryDirectory() as directory:
        program = str(Path(directory) / "contention")
        source = Path(__file__).resolve().parent / "contention.c"
        subprocess.run([os.environ.get("CC", "cc"), "-O2", "-o", program, str(source)], check=True)
        for _ in range(ROUNDS):
            for processes in PROCESSES:
                for design in DESIGNS:
                    output = subprocess.run([program, design, str(processes), str(SECONDS), "0"],
                                            check=True, text=True, stdout=subprocess.PIPE).stdout
                    rate, writes = (int(word) for word in output.split()[2:4])
                    line = results.setdefault(str(processes), {})
                    line[design] = max(line.get(design, [0, 0]), [rate, writes])
    return results
