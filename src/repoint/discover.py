"""Imports every module of the package, so that decorators have run.

The only dynamic import there is, but for `cli/main.py`, which reads the file of the command that was typed.
"""

import importlib
import pkgutil

import repoint

# Started as programs, or the starters themselves: importing them has nothing to register.
_LEAVES = ("repoint.cli", "repoint.discover", "repoint.http")


def discover() -> None:
    """Import every room; registries are whole afterwards."""
    for module in pkgutil.walk_packages(repoint.__path__, "repoint."):
        if not module.name.startswith(_LEAVES):
            importlib.import_module(module.name)
