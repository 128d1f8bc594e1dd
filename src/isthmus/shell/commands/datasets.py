"""``isthmus datasets``: the public data sets that isthmus knows by name."""

from __future__ import annotations

import click

from isthmus.shell import flags, terminal


@click.group("datasets", invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """Public data sets by name."""
    if context.invoked_subcommand is None:
        context.invoke(list_)


@command.command("list")
@flags.json_option
def list_(as_json: bool) -> None:
    """List the data sets, their sizes, and whether they are here.

    Files are looked for in the folder that the environment variable ISTHMUS_DATA names; nothing is downloaded.
    """
    from isthmus.data.datasets import FOLDER_VARIABLE, describe

    sets = describe()
    if as_json:
        entries = [
            {
                "name": s.name,
                "about": s.about,
                "shape": s.shape,
                "rows": dict(s.parts),
                "here": s.at_hand(),
                "source": s.source,
            }
            for s in sets
        ]
        terminal.say_json(entries)
        return
    rows = [
        (s.name, " x ".join(map(str, s.shape)), ", ".join(f"{n:,} {part}" for part, n in s.parts.items()),
         "yes" if s.at_hand() else "no", s.about)
        for s in sets
    ]  # fmt: skip
    terminal.grid(("name", "one row", "rows", "here", "about"), rows)
    if not all(s.at_hand() for s in sets):
        terminal.say(f"Sets that are not here are looked for in the folder that {FOLDER_VARIABLE} names.")
