"""What a warm process has imported before a kernel is forked from it: what chapters and kernels need.

Nothing of this package is loaded, so that a change of it counts from the next kernel on. Nothing here may start a
thread, which a fork would lose.
"""

from __future__ import annotations

import gc
import os

gc.disable()  # nothing of what is imported here is garbage

# matplotlib takes its backend from here when it is imported, as it does in a kernel
os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")

from hzso_analysis.kernel_process import import_kernel  # noqa: E402

import_kernel()
import highspy  # noqa: E402, F401
import IPython.display  # noqa: E402, F401
import matplotlib.backends.backend_svg  # noqa: E402, F401
import numpy as np  # noqa: E402, F401
import pandas as pd  # noqa: E402

# pandas shows as many columns as fit where it sees a terminal at its import, and 20 in a kernel
pd.set_option("display.max_columns", 20)
gc.enable()
gc.freeze()  # what all kernels share is not looked through, and so not copied, by each of them
