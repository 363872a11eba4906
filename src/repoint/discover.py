"""Imports every module of the package, so that decorators have run.

The only dynamic import there is, but for `cli/main.py`, which reads the file of the command that was typed.
"""

import importlib
import pkgutil
from types import ModuleType

import repoint

# Started as programs, or the starters themselves: importing them has nothing to register.
_LEAVES = ("repoint.cli", "repoint.discover", "repoint.http")


def discover(package: ModuleType = repoint) -> None:
    """Import every room, or one package alone; registries are whole afterwards."""
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not module.name.startswith(_LEAVES):
            importlib.import_module(module.name)
