"""``python -m slab_exporter``, and the ``slab-exporter`` command."""

import gc
import os
import sys

from .startup import forget_working_folder


def main() -> int:
    """Run the command that the program's arguments name, with no module from the working folder."""
    forget_working_folder()
    # Helpers of numpy's BLAS, for which there is no work here, would spin on the processors that cutting needs.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from .cli.main import main as run
    from .interrupts import INTERRUPTED

    try:
        code = run()
        if code == INTERRUPTED:
            # Python would forget the exit code if it was interrupted where it compiles a text, as dataclasses do.
            sys.stderr.flush()
            os._exit(code)
        return code
    finally:
        gc.freeze()  # what is left goes with the process; looking through it would take a tenth of a second


if __name__ == "__main__":
    sys.exit(main())
