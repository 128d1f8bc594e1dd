"""``isthmus datasets``: the public data sets that isthmus knows by name."""

from __future__ import annotations

import click

from isthmus.shell import flags, terminal


@click.group("datasets", invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """Public data sets by name.

    Files are looked for in the folder that the environment variable ISTHMUS_DATA names, then in your cache folder.
    """
    if context.invoked_subcommand is None:
        context.invoke(list_)


@command.command("list")
@flags.json_option
def list_(as_json: bool) -> None:
    """List the data sets, their sizes, and whether they are here; nothing is downloaded."""
    from isthmus.data.datasets import FOLDER_VARIABLE, describe
    from isthmus.data.folders import search_folders

    sets = describe()
    if as_json:
        entries = [
            {
                "name": s.name,
                "about": s.about,
                "shape": s.shape,
                "rows": dict(s.parts),
                "here": s.at_hand(),
                "rows_here": s.rows_here(),
                "source": s.source,
            }
            for s in sets
        ]
        terminal.say_json(entries)
        return
    rows = [
        (s.name, " x ".join(map(str, s.shape)), ", ".join(f"{n:,} {part}" for part, n in s.parts.items()),
         s.here(), s.about)
        for s in sets
    ]  # fmt: skip
    terminal.grid(("name", "one row", "rows", "here", "about"), rows)
    if not all(s.at_hand() for s in sets):
        terminal.say(f"Looked for in {', then '.join(map(str, search_folders()))}.")
        terminal.say(
            f"To download one: {terminal.program()} datasets get NAME; {FOLDER_VARIABLE} names another folder."
        )


@command.command("get")
@click.argument("name")
def get(name: str) -> None:
    """Download the data set NAME, unless it is here.

    It goes to the folder that ISTHMUS_DATA names, if that can be written to, else to your cache folder. A download that
    was cut off goes on where it stopped.
    """
    from isthmus.data.datasets import find
    from isthmus.data.datasets import get as download

    rows, place = max(find(name).parts.values()), download(name)
    terminal.say(f"{name}: {rows:,} rows in {place}")


@command.command("path")
@click.argument("name")
def path(name: str) -> None:
    """Print the file or folder of the data set NAME; nothing is downloaded."""
    from isthmus.data.datasets import path as place_of

    terminal.say(str(place_of(name)))
