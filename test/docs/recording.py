#!/usr/bin/python3
"""Is the recording of a script in README.md what the script prints?

  recording.py SCRIPT OUTPUT

OUTPUT is a file with what SCRIPT has printed.  "[...]" in the recording stands for
any number of lines; times and versions are not compared.  Exits with 1, and says
which line is not there, if it is another.
"""

import sys
from pathlib import Path

import markdown
from masks import mask

README = Path(__file__).resolve().parents[2] / "README.md"
ELISION = "[...]"


def recording(script):
    for block in markdown.read(README.read_text().split("\n")):
        if block.marks.get("recording of") == script:
            return block.text.split("\n")
    raise SystemExit(f"README.md has no recording of {script}")


def first_difference(recorded, printed):
    """The first recorded line that is not printed where it should be; None if there is none."""
    at, may_skip = 0, False
    for line in recorded:
        if line == ELISION:
            may_skip = True
            continue
        wanted = mask(line)
        while may_skip and at < len(printed) and mask(printed[at]) != wanted:
            at += 1
        if at == len(printed) or mask(printed[at]) != wanted:
            return line
        at, may_skip = at + 1, False
    return None


def main():
    script, output = sys.argv[1:]
    recorded = [line for line in recording(script) if not line.startswith("$ ")]
    line = first_difference(recorded, Path(output).read_text().rstrip("\n").split("\n"))
    if line is not None:
        print(f"README.md shows a line that {script} does not print there:\n{line}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
