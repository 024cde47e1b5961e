"""``python -m slab_exporter``: the same as the ``slab-exporter`` command."""

import sys

from .cli.main import main

if __name__ == "__main__":
    sys.exit(main())
