"""Tests of ``trualias.lookup.hooks``, with real modules in real files."""

import os
import py_compile
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from types import ModuleType
from zipfile import ZipFile

from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration import Configuration, ConfigurationErrors, PolicyError, parse_configuration
from trualias.lookup.hooks import SLOW_SECONDS, Hook, HookFault, Hooks, SlowCalls, load_hooks
from trualias.server.slow_hooks import SlowHookWarnings
from trualias.testing.requirements import source_tree

COMPLETE = """
ACCOUNTS = ALIASES = None
def preprocess(alias, domain): return alias.lower(), domain
def postprocess(account, domain): return account + '-box', domain
def reload(): pass
"""


class HooksTestCase(SynchronousTestCase):
    """A folder for a configuration and its modules."""

    def setUp(self) -> None:
        """Make a folder, and a copy of Python's path that a test may change."""
        self.folder = Path(self.mktemp()).absolute()
        self.patch(sys, "path", list(sys.path))

    def write(self, source: str, name: str = "tried_hooks.py") -> Path:
        """Write a module; ``name`` is its path in the folder of the configuration."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, "utf-8")
        return path

    def configuration(self, processor: str | None) -> Configuration:
        """Return a configuration with three accounts and two aliases."""
        setting = f"PROCESSOR: {processor}\n" if processor else ""
        return parse_configuration(
            f"PORT: 0\n{setting}"
            "ACCOUNT foo, bar MATCHES %account%-%alnum%-%code% WITH CHARS();\n"
            "ACCOUNT Baz ALIASED joe, paul MATCHES %alias%-%alpha%-%code% WITH CHARS();\n",
            str(self.folder / "trualias.conf"),
        )

    def forget_later(self, *packages: str) -> None:
        """Remove packages that a test imports from ``sys.modules`` at its end."""
        for package in packages:
            self.addCleanup(sys.modules.pop, package)

    def load(self, processor: str = "tried_hooks") -> Hooks:
        """Load a module without errors."""
        hooks = load_hooks(self.configuration(processor))
        assert hooks is not None
        return hooks


class FindTests(HooksTestCase):
    """The search for the module."""

    def test_none(self) -> None:
        """Without PROCESSOR there are no hooks."""
        self.assertIsNone(load_hooks(self.configuration(None)))

    def test_beside_the_configuration(self) -> None:
        """A module in the folder of the configuration is found, whatever the working directory."""
        self.write(COMPLETE)
        hooks = self.load()
        self.assertEqual(hooks.preprocess("JOE-X-1", None), ("joe-x-1", None))
        self.assertEqual(hooks.postprocess("Baz", "example.com"), ("Baz-box", "example.com"))

    def test_in_a_folder_beside_the_configuration(self) -> None:
        """A dotted name is a path in the folder of the configuration."""
        self.write(COMPLETE, "site/tried_hooks.py")
        self.assertEqual(self.load("site.tried_hooks").preprocess("A", None), ("a", None))

    def test_on_the_path(self) -> None:
        """A module on Python's path is found."""
        self.write(COMPLETE, "elsewhere/tried_path_hooks.py")
        sys.path.append(str(self.folder / "elsewhere"))
        self.assertEqual(self.load("tried_path_hooks").preprocess("A", None), ("a", None))

    def test_new_on_the_path(self) -> None:
        """A module is found that was written after Python cached its folder."""
        self.write("", "elsewhere/other.py")
        sys.path.append(str(self.folder / "elsewhere"))
        self.assertRaises(ConfigurationErrors, self.load, "tried_new_hooks")
        folder = os.stat(self.folder / "elsewhere")
        self.write(COMPLETE, "elsewhere/tried_new_hooks.py")
        os.utime(self.folder / "elsewhere", ns=(folder.st_atime_ns, folder.st_mtime_ns))
        self.assertEqual(self.load("tried_new_hooks").preprocess("A", None), ("a", None))

    def test_package_on_the_path(self) -> None:
        """A package may have the hooks, and import its own modules."""
        self.write("lower = str.lower", "elsewhere/tried_package/part.py")
        self.write(
            "from tried_package.part import lower\n" + COMPLETE.replace("alias.lower()", "lower(alias)"),
            "elsewhere/tried_package/__init__.py",
        )
        sys.path.append(str(self.folder / "elsewhere"))
        self.forget_later("tried_package", "tried_package.part")
        self.assertEqual(self.load("tried_package").preprocess("A", None), ("a", None))

    def test_in_packages_on_the_path(self) -> None:
        """The packages of a module are imported before it, and can be used in it."""
        self.write("", "elsewhere/tried_outer/__init__.py")
        self.write("lower = str.lower", "elsewhere/tried_outer/inner/__init__.py")
        self.write(
            "import tried_outer.inner\n" + COMPLETE.replace("alias.lower()", "tried_outer.inner.lower(alias)"),
            "elsewhere/tried_outer/inner/hooks.py",
        )
        sys.path.append(str(self.folder / "elsewhere"))
        self.forget_later("tried_outer", "tried_outer.inner")
        for _ in range(2):
            self.assertEqual(self.load("tried_outer.inner.hooks").preprocess("A", None), ("a", None))

    def test_in_folders_on_the_path(self) -> None:
        """A folder without ``__init__.py`` may have modules."""
        self.write(COMPLETE, "elsewhere/tried_upper/lower/hooks.py")
        sys.path.append(str(self.folder / "elsewhere"))
        self.forget_later("tried_upper", "tried_upper.lower")
        self.assertEqual(self.load("tried_upper.lower.hooks").preprocess("A", None), ("a", None))

    def test_beside_comes_first(self) -> None:
        """The folder of the configuration takes precedence over Python's path."""
        self.write(COMPLETE.replace("-box", "-path"), "elsewhere/tried_hooks.py")
        sys.path.insert(0, str(self.folder / "elsewhere"))
        self.write(COMPLETE)
        self.assertEqual(self.load().postprocess("foo", None), ("foo-box", None))


class LoadTests(HooksTestCase):
    """The effects of loading a module."""

    def test_names(self) -> None:
        """``ACCOUNTS`` and ``ALIASES`` are set before ``reload()`` is called."""
        self.write(
            COMPLETE.replace("pass", "global seen; seen = sorted(ACCOUNTS), sorted(ALIASES)").replace(
                "return alias.lower()", "return repr(seen)"
            )
        )
        self.assertEqual(self.load().preprocess("", None), ("(['Baz', 'bar', 'foo'], ['joe', 'paul'])", None))

    def test_fresh_each_time(self) -> None:
        """A second load uses a changed file, also of the same size and time, and does not change the first hooks."""
        path = self.write(COMPLETE)
        status = path.stat()
        first = self.load()
        path.write_text(COMPLETE.replace("-box", "-bag"), "utf-8")
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        second = self.load()
        self.assertEqual(first.postprocess("foo", None), ("foo-box", None))
        self.assertEqual(second.postprocess("foo", None), ("foo-bag", None))

    def test_cache_of_package(self) -> None:
        """Python's cache, which others could write to, is not used for the packages of a module."""
        self.write(COMPLETE, "elsewhere/tried_cached/hooks.py")
        package = self.write("raise SystemExit", "elsewhere/tried_cached/__init__.py")
        status = package.stat()
        py_compile.compile(str(package))
        package.write_text("# harmless now !", "utf-8")
        os.utime(package, ns=(status.st_atime_ns, status.st_mtime_ns))
        self.assertEqual(status.st_size, package.stat().st_size)
        sys.path.append(str(self.folder / "elsewhere"))
        self.forget_later("tried_cached")
        self.assertEqual(self.load("tried_cached.hooks").preprocess("A", None), ("a", None))

    def test_leaves_no_trace(self) -> None:
        """Loading writes nothing to the folder of the configuration, and adds no module to ``sys.modules``."""
        self.write(COMPLETE)
        self.load()
        self.assertEqual(os.listdir(self.folder), ["tried_hooks.py"])
        self.assertNotIn("tried_hooks", sys.modules)

    def test_sample(self) -> None:
        """The sample module can be used unchanged, and changes nothing."""
        self.write((source_tree() / "conf" / "preprocessing_sample.py").read_text("utf-8"))
        hooks = self.load()
        self.assertEqual(hooks.preprocess("Foo-x-1", "Example.com"), ("Foo-x-1", "Example.com"))
        self.assertEqual(hooks.postprocess("Foo", None), ("Foo", None))


class RefusedModuleTests(HooksTestCase):
    """Modules that make a configuration unusable."""

    def refused(self, source: str, processor: str = "tried_hooks") -> str:
        """Write a module, assert that it is refused, and return the reason without the module's path."""
        path = self.write(source)
        with self.assertRaises(ConfigurationErrors) as raised:
            load_hooks(self.configuration(processor))
        error: PolicyError
        [error] = raised.exception.errors
        self.assertEqual((error.line, error.column), (2, 1))
        return error.message.replace(str(path), "FILE").replace(str(self.folder), "FOLDER")

    def test_whole_error(self) -> None:
        """The error shows the line of the setting in the configuration."""
        with self.assertRaises(ConfigurationErrors) as raised:
            load_hooks(self.configuration("nowhere"))
        self.assertEqual(
            str(raised.exception),
            f"{self.folder}/trualias.conf:2:1: there is no Python module nowhere: neither {self.folder}/nowhere.py nor "
            "on Python's path\n"
            "PROCESSOR: nowhere\n"
            "^",
        )

    def test_parent_not_found(self) -> None:
        """A module in a package that does not exist is not found."""
        self.assertEqual(
            self.refused("", "no_package.hooks"),
            "there is no Python module no_package.hooks: neither FOLDER/no_package/hooks.py nor on Python's path",
        )

    def test_package_raises(self) -> None:
        """The error of a package that raises has its line; once fixed, the package is found."""
        self.write(COMPLETE, "elsewhere/tried_raising/hooks.py")
        sys.path.append(str(self.folder / "elsewhere"))
        package = "elsewhere/tried_raising/__init__.py"
        for source, exception in (
            ("\n1/0", "ZeroDivisionError: division by zero"),
            ("\nimport no_module", "ModuleNotFoundError: No module named 'no_module'"),
        ):
            self.write(source, package)
            self.assertEqual(
                self.refused("", "tried_raising.hooks"),
                f"the module tried_raising (FOLDER/{package}): raised when it was loaded: {exception} (line 2)",
            )
        self.write("", package)
        self.forget_later("tried_raising")
        self.assertEqual(self.load("tried_raising.hooks").preprocess("A", None), ("a", None))

    def test_archive(self) -> None:
        """A module in an archive is not run, since its permissions are unknown."""
        self.folder.mkdir()
        archive = self.folder / "tried.zip"
        with ZipFile(archive, "w") as parts:
            parts.writestr("tried_zipped.py", COMPLETE)
        sys.path.append(str(archive))
        self.assertEqual(
            self.refused("", "tried_zipped"),
            "FOLDER/tried.zip/tried_zipped.py is not run, since there is no telling who could change what it does: Not "
            "a directory; a module must be a file in a folder, not in an archive",
        )

    def test_library(self) -> None:
        """The error of a shared library that cannot be loaded has Python's message."""
        library = self.write("", f"elsewhere/tried_library{EXTENSION_SUFFIXES[0]}")
        sys.path.append(str(library.parent))
        self.assertEqual(
            self.refused("", "tried_library"),
            f"the module tried_library (FOLDER/elsewhere/{library.name}) cannot be loaded: "
            f"FOLDER/elsewhere/{library.name}: file too short",
        )

    def test_without_origin(self) -> None:
        """A module without an origin is not found."""
        sys.modules["tried_homeless"] = ModuleType("tried_homeless")
        self.addCleanup(sys.modules.pop, "tried_homeless")
        self.assertEqual(
            self.refused("", "tried_homeless"),
            "there is no Python module tried_homeless: neither FOLDER/tried_homeless.py nor on Python's path",
        )

    def test_folder(self) -> None:
        """A folder is refused as a module."""
        self.write("", "elsewhere/tried_folder/notes.txt")
        sys.path.append(str(self.folder / "elsewhere"))
        self.assertEqual(self.refused("", "tried_folder"), "tried_folder is a folder, not a Python module")

    def test_another_module(self) -> None:
        """A module of another purpose is refused for its missing names; one without a file is called built in."""
        self.assertEqual(
            self.refused("", "itertools"),
            "the module itertools (built in) has no preprocess, postprocess, reload, ACCOUNTS, ALIASES; "
            "conf/preprocessing_sample.py has all it needs",
        )

    def test_missing_names(self) -> None:
        """The error has every missing name."""
        self.assertEqual(
            self.refused("def preprocess(alias, domain): return alias, domain\ndef reload(): pass\nALIASES = None"),
            "the module tried_hooks (FILE) has no postprocess, ACCOUNTS; conf/preprocessing_sample.py has all it needs",
        )

    def test_no_function(self) -> None:
        """A hook must be callable."""
        self.assertEqual(
            self.refused(COMPLETE + "reload = postprocess = None"),
            "in the module tried_hooks (FILE), postprocess, reload must be a function",
        )

    def test_syntax(self) -> None:
        """A syntax error is reported with its line."""
        self.assertEqual(
            self.refused("ACCOUNTS = None\ndef preprocess(:"),
            "the module tried_hooks (FILE): raised when it was loaded: SyntaxError: invalid syntax "
            "(tried_hooks.py, line 2)",
        )

    def test_raises_when_loaded(self) -> None:
        """The error of a module that raises while it is loaded has the module's line."""
        self.assertEqual(
            self.refused("import json\n\njson.loads('')"),
            "the module tried_hooks (FILE): raised when it was loaded: JSONDecodeError: Expecting value: line 1 "
            "column 1 (char 0) (line 3)",
        )

    def test_exits_when_loaded(self) -> None:
        """A module that exits while it is loaded is refused."""
        self.assertEqual(
            self.refused("import sys\nsys.exit()"),
            "the module tried_hooks (FILE): raised when it was loaded: SystemExit (line 2)",
        )

    def test_reload_raises(self) -> None:
        """The error of a ``reload()`` that raises has its line."""
        self.assertEqual(
            self.refused(COMPLETE.replace("pass", "open(__file__ + '/x')")),
            "the module tried_hooks (FILE): reload() raised NotADirectoryError: [Errno 20] Not a directory: 'FILE/x' "
            "(line 5)",
        )

    def test_reload_with_arguments(self) -> None:
        """The error of a ``reload()`` with arguments has Python's message."""
        self.assertEqual(
            self.refused(COMPLETE.replace("reload()", "reload(path)")),
            "the module tried_hooks (FILE): reload() raised TypeError: reload() missing 1 required positional "
            "argument: 'path'",
        )

    def test_cause(self) -> None:
        """The error's cause is the module's exception."""
        self.write(COMPLETE.replace("pass", "raise KeyError('x')"))
        with self.assertRaises(ConfigurationErrors) as raised:
            self.load()
        self.assertIsInstance(raised.exception.__cause__, KeyError)


class ReturnValueTests(SynchronousTestCase):
    """The values that hooks return."""

    def answering(self, answer: object) -> Hook:
        """Return a hook with a constant value."""
        return lambda name, domain: answer

    def test_pairs(self) -> None:
        """A list is accepted like a tuple."""
        hooks = Hooks("tried", lambda alias, domain: [alias, domain], lambda account, domain: (account, domain))
        self.assertEqual(hooks.preprocess("a", "b"), ("a", "b"))

    def test_faults(self) -> None:
        """A value that is no name and domain is a fault with the name of the module."""
        for answer in (False, "", "ab", ("a",), ("a", "b", "c"), (None, "b"), (b"a", None), ("a", 1)):
            hooks = Hooks("tried", self.answering(answer), self.answering(None))
            with self.assertRaises(HookFault) as raised:
                hooks.preprocess("x", None)
            self.assertEqual(
                str(raised.exception),
                f"preprocess() of the PROCESSOR module tried returned {answer!r}, not a name and a domain or None",
            )

    def test_none(self) -> None:
        """None is accepted from both hooks."""
        hooks = Hooks("tried", self.answering(None), self.answering(None))
        self.assertIsNone(hooks.preprocess("x", None))
        self.assertIsNone(hooks.postprocess("x", "example.com"))

    def test_postprocess(self) -> None:
        """The value of ``postprocess`` is checked too."""
        hooks = Hooks("tried", lambda alias, domain: (alias, domain), lambda account, domain: account)
        with self.assertRaises(HookFault) as raised:
            hooks.postprocess("x", None)
        self.assertEqual(
            str(raised.exception),
            "postprocess() of the PROCESSOR module tried returned 'x', not a name and a domain or None",
        )

    def test_raises(self) -> None:
        """An exception in a hook is not caught."""

        def preprocess(alias: str, domain: str | None) -> object:
            raise ZeroDivisionError

        hooks = Hooks("tried", preprocess, preprocess)
        self.assertRaises(ZeroDivisionError, hooks.preprocess, "x", None)


class SlowCallTests(SynchronousTestCase):
    """Hooks that take long."""

    def setUp(self) -> None:
        """Make hooks that take ``seconds``, by a clock that is ``now``."""
        self.now = self.seconds = 0.0
        self.slow_calls = SlowCalls()
        self.slow_calls.report = SlowHookWarnings(lambda: self.now).warn
        self.hooks = Hooks("slow", self.hook, self.hook, lambda: self.now, self.slow_calls)

    def hook(self, name: str, domain: str | None) -> tuple[str, str | None]:
        """Advance the clock; raise an exception for the name ``bad``."""
        self.now += self.seconds
        if name == "bad":
            raise ZeroDivisionError
        return name, domain

    def test_fast(self) -> None:
        """A call of up to 100 ms is not counted."""
        self.seconds = SLOW_SECONDS
        self.hooks.preprocess("foo", None)
        self.assertEqual(0, self.slow_calls.count)

    def test_slow(self) -> None:
        """Each slow call is counted, also one that raises; the first of a hook in ten minutes is logged."""
        self.seconds = 3.0
        with capturedLogs() as events:
            self.assertRaises(ZeroDivisionError, self.hooks.preprocess, "bad", None)
            for _ in range(2):
                self.hooks.preprocess("foo", None)
                self.hooks.postprocess("foo", "example.com")
            self.now += 600
            self.hooks.preprocess("foo", None)
        self.assertEqual(6, self.slow_calls.count)
        self.assertEqual(
            [
                "preprocess() of the PROCESSOR module slow took 3.0 s, and all lookups waited",
                "postprocess() of the PROCESSOR module slow took 3.0 s, and all lookups waited",
                "preprocess() of the PROCESSOR module slow took 3.0 s, and all lookups waited "
                "(2 others since the last such line)",
            ],
            [formatEvent(event) for event in events],
        )
