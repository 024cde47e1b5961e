"""``python -m slab_exporter``, and the ``slab-exporter`` command."""

import sys

from .startup import forget_working_folder


def main() -> int:
    """Run the command that the program's arguments name, with no module from the working folder."""
    forget_working_folder()
    from .cli.main import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
