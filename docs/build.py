"""Build the documentation: write the generated pages, then check that every link and file name leads somewhere.

The pages are Markdown and are read as they are, so there is nothing to render. Run as ``make docs``; exits with 1 when
something is missing, and with a line for each.
"""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from isthmus import parameters

ROOT = Path(__file__).resolve().parents[1]
PARAMETERS_PAGE = ROOT / "docs" / "reference" / "parameters.md"
_LINK = re.compile(r"(?<!\!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"")
_FILE_NAME = re.compile(r"`((?:src|docs|tests|bench|examples|\.ci)/[\w./-]+)`")
_FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)


def main() -> int:
    """Write and check; the number of pages with nothing wrong is not worth printing, the faults are."""
    PARAMETERS_PAGE.parent.mkdir(parents=True, exist_ok=True)
    PARAMETERS_PAGE.write_text(parameters_page(), encoding="utf-8")
    faults = [fault for page in pages() for fault in faults_of(page)]
    print("\n".join(faults) if faults else f"{len(list(pages()))} pages, every link leads somewhere")
    return 1 if faults else 0


def parameters_page() -> str:
    """The tables of `docs/reference/parameters.md`, from the only place where parameters are declared."""
    lines = ["# Parameters", "", "Written by `make docs` from `src/isthmus/parameters.py`; do not edit by hand."]
    for name, owner in vars(parameters).items():
        if dataclasses.is_dataclass(owner) and name.endswith("Parameters"):
            lines += ["", f"## {name.removesuffix('Parameters')}", "", "| parameter | default | allowed | what it is |"]
            lines += ["| --- | --- | --- | --- |"]
            lines += [_row(field) for field in dataclasses.fields(owner)]
    return "\n".join(lines) + "\n"


def _row(field: dataclasses.Field[object]) -> str:
    rule = field.metadata["allowed"]
    cells = (f"`{field.name}`", f"`{field.default!r}`", rule.words(), rule.help)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def pages() -> Iterator[Path]:
    """Every Markdown page that a reader may meet."""
    yield from sorted(ROOT.glob("*.md"))
    yield from sorted((ROOT / "docs").rglob("*.md"))


def faults_of(page: Path) -> Iterator[str]:
    """A line for each link or file name on ``page`` that leads nowhere."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    where = page.relative_to(ROOT)
    for match in _LINK.finditer(text):
        link = next(group for group in match.groups() if group)
        if re.match(r"[a-z]+:", link):  # the web is not ours to check
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists():
            yield f"{where}: the link {link} leads to no file"
        elif anchor and target.suffix == ".md" and anchor not in _anchors(target):
            yield f"{where}: {link} names a heading that is not there"
    for match in _FILE_NAME.finditer(text):
        if not (ROOT / match[1]).exists():
            yield f"{where}: there is no file {match[1]}"


def _anchors(page: Path) -> set[str]:
    """The names that headings get on GitHub."""
    headings = _HEADING.findall(_FENCE.sub("", page.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


if __name__ == "__main__":
    sys.exit(main())
