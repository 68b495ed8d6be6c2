"""What a Markdown document has that can be run: fenced blocks, and the marks above them.

A mark is an HTML comment on the lines directly above a fence, so that the reader
of the page does not see it:

  <!-- not run: WHY -->      the block cannot be run here; the reason is required
  <!-- run -->               a block of shell that is run
  <!-- file: NAME -->        the block is a file of that name, for the shell blocks
  <!-- fails -->             an error is what the block shows
  <!-- prepare: SQL -->      run before the block, not shown
  <!-- output of: SQL -->    the block is what this gives
  <!-- recording of: CMD --> the block is parts of what a script prints; recording.py compares
  <!-- volatile: A, B -->    columns of the output that differ from run to run
  <!-- needs: WHAT -->       the block wants this (see check.py), or is skipped

A mark on the first line of a document is one of all its blocks.

Blocks of SQL are run without a mark.  The fence without a language that follows a
block that is run, in the same section, is what it has to print.
"""

import re
from dataclasses import dataclass, field

FENCE = re.compile(r"^( *)(```+)([^\s`]*)\s*$")
MARK = re.compile(r"<!--\s*(not run|run|file|fails|prepare|output of|recording of|volatile|needs)\s*(?::\s*(.*?))?\s*-->", re.S)
HEADING = re.compile(r"^#+ +(.*?)\s*$")
SQL = ("sql",)
OUTPUT = ("", "text")


class Fault(Exception):
    """The document breaks a convention."""


@dataclass
class Block:
    language: str
    text: str
    section: str
    first: int                  # index of the first line of the text
    last: int                   # index of the closing fence
    marks: dict = field(default_factory=dict)
    output: "Block" = None

    @property
    def line(self):
        return self.first + 1

    @property
    def is_run(self):
        if "not run" in self.marks or "file" in self.marks:
            return False
        return self.language in SQL or "run" in self.marks or "output of" in self.marks

    def volatile(self):
        return [name.strip() for name in self.marks.get("volatile", "").split(",") if name.strip()]


def _marks_above(lines, fence):
    """The marks that end on the line above a fence."""
    marks = {}
    end = fence
    while end > 0 and lines[end - 1].rstrip().endswith("-->"):
        start = end - 1
        while start > 0 and "<!--" not in lines[start]:
            start -= 1
        found = MARK.fullmatch("\n".join(lines[start:end]).strip())
        if not found:
            break
        marks[found.group(1)] = found.group(2) or ""
        end = start
    if "not run" in marks and not marks["not run"]:
        raise Fault(f"line {fence + 1}: a block that is not run needs a reason")
    return marks


def read(lines):
    """The blocks of a document, in order, each with the output that it shows."""
    blocks, section, opened = [], "", None
    of_all = _marks_above(lines, 1) if lines[0].startswith("<!--") else {}
    for number, line in enumerate(lines):
        fence = FENCE.match(line)
        if opened is None and fence:
            opened = Block(fence.group(3), "", section, number + 1, 0, of_all | _marks_above(lines, number))
            opened.fence = fence.group(2)
        elif opened is not None and line.strip() == opened.fence:
            opened.last = number
            opened.text = "\n".join(lines[opened.first:number])
            blocks.append(opened)
            opened = None
        elif opened is None and HEADING.match(line):
            section = HEADING.match(line).group(1)
    if opened is not None:
        raise Fault(f"line {opened.first}: a block that does not end")
    _pair_outputs(blocks)
    return blocks


def _pair_outputs(blocks):
    previous = None
    for block in blocks:
        is_output = block.language in OUTPUT and not set(block.marks) - {"needs"}
        if is_output and previous is not None and previous.section == block.section:
            previous.output = block
        # a file between a command and its output would be hard to read
        previous = block if block.is_run and "output of" not in block.marks else None
