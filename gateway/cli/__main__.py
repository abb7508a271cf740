"""`python -m gateway.cli`: the same as `yiyang`."""

import sys

from gateway.cli import main

sys.exit(main())
