"""Changes a Python process from outside, for the fault tests: Python imports this where its folder is on PYTHONPATH.

`KILL_AT=module:name,nth,before|after[,word]` kills the process at the nth call of a function, before its body or after
it; with a word, only calls whose arguments have it in their text are counted. Its children are left alone.
`SET=module:name=number` gives a module's constant another value, in the children too.
"""

import functools
import importlib.abc
import importlib.machinery
import os
import signal
import sys


def _killed_at(function, *, nth, when, word):
    """The function, but for its nth call."""
    n_calls = 0

    @functools.wraps(function)
    def wrapper(*arguments, **keywords):
        nonlocal n_calls
        n_calls += word in f"{arguments} {keywords}"
        is_it = n_calls == nth and word in f"{arguments} {keywords}"
        if is_it and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = function(*arguments, **keywords)
        if is_it:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return wrapper


def _kill_at(module, name, rest):
    nth, when, word = (*rest.split(","), "")[:3]
    *owners, last = name.split(".")
    owner = functools.reduce(getattr, owners, module)
    setattr(owner, last, _killed_at(getattr(owner, last), nth=int(nth), when=when, word=word))


def _set(module, name, rest):
    assert hasattr(module, name), f"{module.__name__} has no {name}"
    setattr(module, name, float(rest))


class _AfterImport(importlib.abc.MetaPathFinder):
    """Changes one module as soon as it has been loaded, before anybody takes names from it."""

    def __init__(self, module, change):
        self.module = module
        self.change = change

    def find_spec(self, fullname, path, target=None):
        if fullname != self.module:
            return None
        sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        load = spec.loader.exec_module

        def load_and_change(module):
            load(module)
            self.change(module)

        spec.loader.exec_module = load_and_change
        return spec


def _install(order, separator, change):
    place, rest = order.split(separator, 1)
    module, name = place.split(":")
    apply = functools.partial(change, name=name, rest=rest)
    if module in sys.modules:
        apply(sys.modules[module])
    else:
        sys.meta_path.insert(0, _AfterImport(module, apply))


if "KILL_AT" in os.environ:
    _install(os.environ.pop("KILL_AT"), ",", _kill_at)
if "SET" in os.environ:
    _install(os.environ["SET"], "=", _set)
