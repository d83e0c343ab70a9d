"""Where nbval finds the warm kernel of a checkout; an installed package has it beside the kernels of Jupyter."""

import os
from pathlib import Path

os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, [str(Path(__file__).parent), os.environ.get("JUPYTER_PATH")]))
