"""Run the module's self-test in Slicer and exit with 0 or 1; with or without a main window.

Slicer --no-splash --testing [--no-main-window] --additional-module-paths SlabExporter --python-script
    Testing/app/run_self_test.py -- [name of one test]
"""

import sys
import traceback
import unittest

import slicer


def run(names):
    """Whether all tests, or those named, pass."""
    prefix = "SlabExporter.SlabExporterTest"
    suite = unittest.TestLoader().loadTestsFromNames([f"{prefix}.{name}" for name in names] or [prefix])
    return unittest.TextTestRunner(verbosity=2).run(suite).wasSuccessful()


try:
    code = 0 if run(sys.argv[1:]) else 1
except BaseException:  # Slicer would go on running
    traceback.print_exc()
    code = 1
slicer.util.exit(code)
