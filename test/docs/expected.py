"""What the blocks print whose document does not show it: one file for each document."""

import re
from pathlib import Path

DIRECTORY = Path(__file__).resolve().parent / "expected"
TITLE = re.compile(r"^== (.*)$", re.M)


class Expected:
    def __init__(self, document):
        self.path = DIRECTORY / (document.replace("/", "-").removesuffix(".md") + ".out")
        self.outputs = {}
        self.seen = []
        self.sections = {}
        if self.path.exists():
            parts = TITLE.split(self.path.read_text())
            self.outputs = {key: text[1:].rstrip("\n") for key, text in zip(parts[1::2], parts[2::2])}

    def of(self, block):
        """What is written for this block.  Blocks are asked for in order, each once."""
        number = self.sections[block.section] = self.sections.get(block.section, 0) + 1
        self.key = f"{block.section or 'Beginning'}, block {number}"
        self.seen.append(self.key)
        return self.outputs.get(self.key, "")

    def put(self, block, output):
        """What it has printed, for the block that was asked for last."""
        self.outputs[self.key] = output

    def unused(self):
        return [key for key in self.outputs if key not in self.seen]

    def write(self):
        kept = [(key, self.outputs[key]) for key in self.seen if self.outputs.get(key)]
        if kept:
            self.path.write_text("\n\n".join(f"== {key}\n{text}" for key, text in kept) + "\n")
        elif self.path.exists():
            self.path.unlink()
