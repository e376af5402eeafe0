"""Tests of ``trualias.server.hook_release``."""

import gc
import weakref
from types import FunctionType, ModuleType
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from trualias.server.hook_release import release_namespace

FUNCTIONS = "def reload(): pass\ndef preprocess(alias, domain): return reload() or (alias, domain)\n"

FREED = {
    "functions": "",
    "imports": "import os, sys\nfrom os.path import join\nfrom collections import OrderedDict\n",
    "annotations": "from typing import Optional\nx: dict[str, list[int]] = {}\ndef f() -> Optional[str]: pass\n",
    "data": "TABLE = {'a': [preprocess, {'b': (reload,)}]}\nNAMES = ('a', 'b')\n",
    "cycles of data": "ROWS = []\nROWS.append({'rows': ROWS, 'parents': {1: ROWS}})\n",
    "recursive inner function": (
        "def outer():\n    def inner(n): return n and inner(n - 1)\n    return inner\nwalk = outer()\n"
    ),
    "decorator": (
        "from functools import wraps\n"
        "def twice(f):\n    @wraps(f)\n    def both(): f(), f()\n    return both\n"
        "@twice\ndef decorated(): reload()\n"
    ),
    "cache": "from functools import lru_cache\n@lru_cache(5)\ndef kept(x): return preprocess, x\nkept(1)\n",
    "defaults": "def f(a=preprocess, *, b=[preprocess]): pass\n",
    "logger": "import logging\nlog = logging.getLogger(__name__)\n",
    "values": (
        "import datetime, decimal, ipaddress, pathlib, re, threading\n"
        "pattern = re.compile('(x)')\npath = pathlib.Path('/a') / 'b'\nlock = threading.Lock()\n"
        "network = ipaddress.ip_network('192.0.2.0/24')\nday = datetime.date.min\nshare = decimal.Decimal(1)\n"
    ),
    "no name": "del __name__\nfrom collections import UserDict\n",
    "attributes": "reload.last = {'f': preprocess}\n",
}
"""Modules that need no garbage collection."""

UNSURE = {
    "class": "class Table:\n    def find(self): return reload\n",
    "class without functions": "class Table: pass\n",
    "object": "def made():\n    class Table: pass\n    return Table()\nreload.table = made()\n",
    "object of another module": "from configparser import ConfigParser\nparser = ConfigParser()\n",
    "bound method": "call = reload.__get__(1)\n",
    "running generator": "def count():\n    yield 1\nnumbers = count()\nnext(numbers)\n",
}
"""Modules with cycles that only a collection ends."""


class ReleaseTests(SynchronousTestCase):
    """The release of a module's namespace."""

    def setUp(self) -> None:
        """Disable collections."""
        gc.disable()
        self.addCleanup(gc.enable)

    def loaded(self, source: str, **names: object) -> ModuleType:
        """Run a module, in which names have values."""
        module = ModuleType("tried")
        vars(module).update(names)
        exec(compile(FUNCTIONS + source, "tried.py", "exec"), vars(module))
        gc.collect(1)  # as after a load: a tuple of numbers or text is examined no more
        return module

    def functions(self, module: ModuleType) -> "list[weakref.ref[Any]]":
        """Return references to the functions of a module."""
        return [
            weakref.ref(each)
            for each in vars(module).values()
            if isinstance(each, FunctionType) and each.__globals__ is vars(module)
        ]

    def release(self, module: list[ModuleType]) -> bool:
        """Release the only reference to a module."""
        return release_namespace([vars(module.pop())])

    def test_freed(self) -> None:
        """Functions and plain data are freed, whatever refers to what, without a collection."""
        for name, source in FREED.items():
            module = [self.loaded(source)]
            references = self.functions(module[0])
            self.assertGreaterEqual(len(references), 2)
            self.assertTrue(self.release(module), name)
            self.assertEqual([None] * len(references), [reference() for reference in references], name)

    def test_unsure(self) -> None:
        """A module with another cycle is left as it is, for a collection."""
        for name, source in UNSURE.items():
            module = [self.loaded(source)]
            namespace = dict(vars(module[0]))
            references = self.functions(module[0])
            reload = namespace.pop("reload")
            del namespace
            self.assertFalse(self.release(module), name)
            self.assertIn("preprocess", reload.__globals__, name)
            del reload
            gc.collect()
            self.assertEqual([None] * len(references), [reference() for reference in references], name)

    def test_in_use(self) -> None:
        """A function to which something else refers goes on to work."""
        module = [self.loaded("")]
        preprocess = module[0].preprocess
        self.assertFalse(self.release(module))
        self.assertEqual(("a", None), preprocess("a", None))

    def test_running(self) -> None:
        """A function that runs goes on to find the names of the module."""
        modules: list[ModuleType] = []
        source = "def run(): return release(), preprocess(1, 2)\n"
        modules.append(self.loaded(source, release=lambda: self.release(modules)))
        run = [modules[0].run]
        self.assertEqual((False, (1, 2)), run.pop()())

    def test_shared_data(self) -> None:
        """Data that others use as well keep their content."""
        names, tables, nested = {"a": "b"}, frozenset("ab"), {"a": [[1]]}
        module = [self.loaded("def use(): return names, tables\n", names=names, tables=tables)]
        self.assertTrue(self.release(module))
        module = [self.loaded("", nested=nested)]
        self.assertFalse(self.release(module))
        self.assertEqual(({"a": "b"}, {"a", "b"}, {"a": [[1]]}), (names, tables, nested))
