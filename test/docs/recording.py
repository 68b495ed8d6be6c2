"""Is the recording of a script in README.md what the script prints?

"[...]" in the recording stands for any number of lines; times and versions are not
compared.
"""

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


def fault(script, output):
    """What is wrong with the recording of a script that has printed this; nothing if it is right."""
    recorded = [line for line in recording(script) if not line.startswith("$ ")]
    line = first_difference(recorded, output.rstrip("\n").split("\n"))
    return line and f"README.md shows a line that {script} does not print there:\n{line}"
