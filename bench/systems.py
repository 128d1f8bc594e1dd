"""Run the eight systems of the tutorials and write their pages: docs/systems/*.md, docs/images/systems*.

    python bench/systems.py [NAME ...] [--results DIR]

Each recipe runs as written and improved, with its classical baseline, on the real data (some minutes for all); its page gets
the table of that run and its pictures, docs/images/systems.png the first picture of each. With ``--results`` the folders of
earlier runs there are used, and only what is missing is run. Prints one JSON line for each.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from isthmus import recipes
from isthmus.atomic import write_bytes

DOCS = Path(__file__).resolve().parent.parent / "docs"
WIDTH, CELL, TITLE = 960, (760, 330), 34
# The picture that stands for a system, where it is not the first that its recipe names.
FACES = {"latent map": "latent-improved", "beats": "beat-anomalous-improved", "errors": "errors-improved"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(recipes.names()))
    parser.add_argument("--results")
    args = parser.parse_args()
    os.environ.setdefault("ISTHMUS_DATA", "../shared/data")
    with tempfile.TemporaryDirectory() as temporary:
        results = Path(args.results or temporary)
        for name in args.names:
            folder = results / name
            if not (folder / "result.json").exists():
                recipes.run(name, output=folder)
            print(json.dumps({"recipe": name, **figures_of(folder)}), flush=True)
            write_page(name, folder)
        if set(args.names) == set(recipes.names()):
            write_bytes(DOCS / "images" / "systems.png", contact_sheet(results))


def figures_of(folder: Path) -> dict[str, dict[str, float]]:
    """Side to figures of an earlier run."""
    sides = json.loads((folder / "result.json").read_text(encoding="utf-8"))["sides"]
    return {side: content["figures"] for side, content in sides.items()}


def face(name: str) -> str:
    """The file, without its ending, of the picture that stands for a system."""
    first = recipes.find(name).shows[0]
    return FACES.get(first, first)


def write_page(name: str, folder: Path) -> None:
    """The page of one system, from its recipe and its run."""
    recipe, sides = recipes.find(name), figures_of(folder)
    rows = list(dict.fromkeys(figure for figures in sides.values() for figure in figures))
    table = ["| |" + "".join(f" {side} |" for side in sides), "| --- |" + " --- |" * len(sides)]
    table += [
        f"| {row} |" + "".join(f" {recipes.shown(figures.get(row))} |" for figures in sides.values()) for row in rows
    ]
    pictures = []
    for file in sorted(folder.glob("*.png"), key=lambda f: (f.stem != face(name), f.stem)):
        target = DOCS / "images" / "systems" / f"{name}-{file.name}"
        target.parent.mkdir(exist_ok=True)
        write_bytes(target, small(file))
        pictures.append(f"![{file.stem.replace('-', ' ')}](../images/systems/{target.name})")
    parts = [f"- **{key}**: {value}" for key, value in recipes.described(recipe) if key not in ("what", "remark")]
    remarks = [f"- {remark[:1].upper()}{remark[1:]}." for remark in recipe.remarks]
    lines = [
        f"# {name}", "", "Written by `bench/systems.py`; do not edit by hand.", "", recipe.about, "",
        "```", f"isthmus recipe run {name} --output {name}", "```", "", *table, "",
        f"The tutorial's own program: {recipe.figure} {recipe.reach:g}. Seconds are those of one thread of a shared machine:",
        "compare them within the table only.", "", pictures[0], "",
        "## As written", "", *parts, "",
        *(["## What to know about the tutorial", "", *remarks, ""] if remarks else []),
        *(["## More pictures", "", "\n\n".join(pictures[1:]), ""] if pictures[1:] else []),
        "[All systems](README.md)", "",
    ]  # fmt: skip
    write_bytes(DOCS / "systems" / f"{name}.md", "\n".join(lines).encode())


def small(file: Path) -> bytes:
    """A picture narrow enough for a page, with few colours."""
    with Image.open(file) as picture:
        page = picture.convert("RGB")
    height = round(page.height * WIDTH / page.width)
    return saved(page.resize((WIDTH, height), Image.Resampling.LANCZOS))


def saved(page: Image.Image) -> bytes:
    """PNG bytes with a palette of 256 colours, chosen for their spread: few points of a colour are seen too."""
    buffer = io.BytesIO()
    palette = page.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    palette.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def contact_sheet(results: Path) -> bytes:
    """One picture of each system under its name, two side by side."""
    names = recipes.names()
    width, height = CELL
    sheet = Image.new("RGB", (2 * width, -(-len(names) // 2) * height), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(22)
    for place, name in enumerate(names):
        left, top = place % 2 * width, place // 2 * height
        pen.text((left + 16, top + 8), f"{place + 1}  {name}", "black", font)
        with Image.open(results / name / f"{face(name)}.png") as picture:
            drawn = picture.convert("RGB")
        drawn.thumbnail((width - 32, height - TITLE - 16), Image.Resampling.LANCZOS)
        sheet.paste(drawn, (left + 16, top + TITLE + 4))
    return saved(sheet)


if __name__ == "__main__":
    main()
