"""``python -m isthmus`` and the ``isthmus`` command: arguments go in, an exit code comes out."""

from __future__ import annotations


def main() -> None:
    """Run the command line."""
    from isthmus.shell import cli

    cli.main()


if __name__ == "__main__":
    main()
