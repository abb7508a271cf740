"""Plant the faults in the workers of `serve --workers`: Python imports this at the start of each process.

Found by PYTHONPATH, which the harness sets for the server under test and nobody else.
"""

import sys

if "gateway.cli.worker" in sys.orig_argv:
    from tests.chaos.entry import prepare

    prepare()
