"""What a program has loaded at its end: whoever only asks for help, or for what is there already, must not wait."""

import subprocess
import sys

HEAVY = ("pandas", "matplotlib", "papermill", "nbconvert")


def assert_nothing_heavy_is_loaded_by(code, *more):
    """Run `code` in a new process and look at the modules it has then; `more` names others that must not be there."""
    assert_none_is_loaded_by(code, *HEAVY, *more)


def assert_none_is_loaded_by(code, *names):
    """Run `code` in a new process that must not have loaded any of these modules at its end."""
    look = f"import sys\nsys.exit(str([name for name in {names!r} if name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", f"{code}\n{look}"], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == "[]", done.stderr
