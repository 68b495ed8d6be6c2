#!/usr/bin/python3
"""Every link between the documents leads somewhere: to a file that is there, to a heading in it.

The last line is "N passed, N failed".
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"(?<!\\)\]\(([^()\s]+)\)")
FENCED = re.compile(r"^```.*?^```", re.S | re.M)
HEADING = re.compile(r"^#+ +(.*?)\s*$", re.M)


def prose(path):
    return FENCED.sub("", path.read_text())


def anchors(path):
    """Headings as the forges make anchors of them."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in HEADING.findall(prose(path))}


def fault(document, link):
    """Why this link leads nowhere, or nothing."""
    if re.match(r"[a-z]+:", link):
        return None
    name, _, anchor = link.partition("#")
    target = (document.parent / name).resolve() if name else document
    if not target.exists():
        return "there is no such file"
    if anchor and target.suffix == ".md" and anchor not in anchors(target):
        return "there is no such heading"
    return None


def main():
    passed = failed = 0
    for document in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]):
        for link in LINK.findall(prose(document)):
            why = fault(document, link)
            if why:
                print(f"FAILED {document.relative_to(ROOT)}: {link}: {why}")
            passed, failed = passed + (not why), failed + bool(why)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
