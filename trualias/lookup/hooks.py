"""The PROCESSOR module: an administrator's own Python code before and after a lookup.

``conf/preprocessing_sample.py`` documents the names that such a module must have, and when they are called.
"""

import importlib
import os.path
import sys
import time
from collections.abc import Callable
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from traceback import walk_tb
from types import CodeType, ModuleType
from typing import TYPE_CHECKING

from attrs import Factory, frozen

from trualias.configuration import Configuration, ConfigurationErrors
from trualias.configuration.permissions import permission_problem
from trualias.lookup import Unanswerable

if TYPE_CHECKING:
    from importlib.abc import Loader

Hook = Callable[[str, str | None], object]

_FUNCTIONS = ("preprocess", "postprocess", "reload")
_NAMES = (*_FUNCTIONS, "ACCOUNTS", "ALIASES")


class HookFault(Exception):
    """A hook returned something other than a name and a domain, or None."""


SLOW_SECONDS = 0.1
"""The longest that a call of a hook may take: all other lookups wait for it."""


class SlowCalls:
    """Counts the calls of hooks that took longer than ``SLOW_SECONDS``; ``report`` is called for each of them.

    It is called with the function, the module and the seconds. A server assigns one that logs.
    """

    def __init__(self) -> None:
        self.count = 0
        self.report: Callable[[str, str, float], None] = lambda function, module, seconds: None

    def add(self, function: str, module: str, seconds: float) -> None:
        """Count a call of a function of a module, which took so many seconds."""
        self.count += 1
        self.report(function, module, seconds)


slow_calls = SlowCalls()
"""The slow calls of this process."""


@frozen(eq=False, repr=False)
class Hooks:
    """The two hooks of a lookup. Their exceptions are not caught; the values that they return are checked.

    ``clock`` returns seconds, by which ``slow_calls`` are recognised. ``namespace`` is that of the module.
    """

    _module: str
    _preprocess: Hook
    _postprocess: Hook
    _clock: Callable[[], float] = time.perf_counter
    _slow_calls: SlowCalls = slow_calls
    namespace: dict[str, object] = Factory(dict)

    def preprocess(self, alias: str, domain: str | None) -> tuple[str, str | None] | None:
        """Return the alias to look up, and its domain; None to refuse it. The local-part table has no domains."""
        return self._call("preprocess", self._preprocess, alias, domain)

    def postprocess(self, account: str, domain: str | None) -> tuple[str, str | None] | None:
        """Return the account to answer, and its domain, for the account that was found; None to refuse the alias."""
        return self._call("postprocess", self._postprocess, account, domain)

    def _call(self, function: str, hook: Hook, name: str, domain: str | None) -> tuple[str, str | None] | None:
        started = self._clock()
        try:
            answer = hook(name, domain)
        finally:
            seconds = self._clock() - started
            if seconds > SLOW_SECONDS:
                self._slow_calls.add(function, self._module, seconds)
        match answer:
            case (str() as name, (str() | None) as domain):
                return name, domain
            case None:
                return None
        raise HookFault(
            f"{function}() of the PROCESSOR module {self._module} returned {answer!r}, not a name and a domain or None"
        )


def is_from_hook(error: BaseException) -> bool:
    """Return whether an exception of a lookup was raised in a hook, or for the value that a hook returned."""
    hooks = {Hooks.preprocess.__code__, Hooks.postprocess.__code__}
    return isinstance(error, Unanswerable) or any(frame.f_code in hooks for frame, _ in walk_tb(error.__traceback__))


def load_hooks(configuration: Configuration) -> Hooks | None:
    """Load the module of the setting PROCESSOR, set its ``ACCOUNTS`` and ``ALIASES``, and call its ``reload()``.

    Each call makes a new module object, so that hooks which were loaded before stay as they are if this load fails.
    Returns None without PROCESSOR.

    Raises:
        ConfigurationErrors: the module is not found, is not safe to run, lacks a name, or raises.
    """
    name = configuration.settings.processor
    if name is None:
        return None
    try:
        module = _load_module(name, configuration.folder("PROCESSOR"))
        module.ACCOUNTS = configuration.policy.accounts  # type: ignore[attr-defined]
        module.ALIASES = configuration.policy.aliases  # type: ignore[attr-defined]
        _call(module, "reload() raised", module.reload)
    except _UnusableModule as error:
        raise ConfigurationErrors([configuration.setting_error("PROCESSOR", str(error))]) from error.__cause__
    return Hooks(name, module.preprocess, module.postprocess, namespace=vars(module))


class _UnusableModule(Exception):
    """The module cannot be used; the text is the reason."""


class _UncachedLoader(SourceFileLoader):
    """Compiles the source each time.

    Python's cache of compiled modules compares files by whole seconds and their size, so it can return an earlier
    state of a file; and it would be written to the folder of the configuration.
    """

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def _load_module(name: str, folder: str) -> ModuleType:
    spec = _find_module(name, folder)
    if spec.loader is None:  # a folder without __init__.py
        raise _UnusableModule(f"{name} is a folder, not a Python module")
    module = _new_module(spec)
    _run(module, spec.loader)
    lacking = [name for name in _NAMES if not hasattr(module, name)]
    if lacking:
        raise _UnusableModule(
            f"{_title(module)} has no {', '.join(lacking)}; conf/preprocessing_sample.py has all it needs"
        )
    uncallable = [name for name in _FUNCTIONS if not callable(getattr(module, name))]
    if uncallable:
        raise _UnusableModule(f"in {_title(module)}, {', '.join(uncallable)} must be a function")
    return module


def _find_module(name: str, folder: str) -> ModuleSpec:
    path = os.path.join(folder, *name.split(".")) + ".py"
    if os.path.isfile(path):
        _check_permissions(path)
        return _from_source(name, path, None)
    importlib.invalidate_caches()  # the file may be newer than Python's cache of its folder
    try:
        spec = _find_on_path(name)
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        raise _UnusableModule(f"there is no Python module {name}: neither {path} nor on Python's path")
    return spec


def _find_on_path(name: str) -> ModuleSpec | None:
    package, dot, _ = name.rpartition(".")
    if dot:
        outer = _find_on_path(package)
        if outer is not None and package not in sys.modules:
            _import_package(outer)
    spec = find_spec(name)
    if spec is None or not spec.has_location or spec.origin is None:
        return spec
    _check_permissions(spec.origin)
    if isinstance(spec.loader, SourceFileLoader):
        return _from_source(name, spec.loader.path, spec.submodule_search_locations)
    return spec


def _import_package(spec: ModuleSpec) -> None:
    """Import the package of a module, as ``find_spec`` would, but without Python's cache, which others can write."""
    module = _new_module(spec)
    sys.modules[spec.name] = module
    assert spec.loader is not None  # also a folder without __init__.py has one here
    try:
        _run(module, spec.loader)
    except _UnusableModule:
        del sys.modules[spec.name]
        raise
    outer, dot, part = spec.name.rpartition(".")
    if dot:
        setattr(sys.modules[outer], part, module)


def _check_permissions(path: str) -> None:
    try:
        problem = permission_problem(path)
    except OSError as error:
        raise _UnusableModule(
            f"{path} is not run, since there is no telling who could change what it does: {error.strerror}; a module "
            "must be a file in a folder, not in an archive"
        ) from error
    if problem is not None:
        raise _UnusableModule(f"{path} is not run, since others could change what it does: {problem}")


def _from_source(name: str, path: str, submodule_paths: list[str] | None) -> ModuleSpec:
    spec = spec_from_file_location(
        name, path, loader=_UncachedLoader(name, path), submodule_search_locations=submodule_paths
    )
    assert spec is not None  # it is None only without a loader
    return spec


def _new_module(spec: ModuleSpec) -> ModuleType:
    try:
        return module_from_spec(spec)
    except ImportError as error:  # a shared library that is broken, or for another Python
        raise _UnusableModule(f"the module {spec.name} ({spec.origin}) cannot be loaded: {error.msg}") from error


def _run(module: ModuleType, loader: "Loader") -> None:
    _call(module, "raised when it was loaded:", lambda: loader.exec_module(module))


def _call(module: ModuleType, what: str, function: Callable[[], object]) -> None:
    """Call the administrator's code; if it raises, the error begins with ``what`` and ends with the module's line."""
    try:
        function()
    except (Exception, SystemExit) as exception:
        raise _UnusableModule(f"{_title(module)}: {what} {_describe(module, exception)}") from exception


def _describe(module: ModuleType, exception: BaseException) -> str:
    description = f"{type(exception).__name__}: {exception}".removesuffix(": ")
    lines = []
    traceback = exception.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == module.__file__:
            lines.append(traceback.tb_lineno)
        traceback = traceback.tb_next
    return f"{description} (line {lines[-1]})" if lines else description


def _title(module: ModuleType) -> str:
    return f"the module {module.__name__} ({getattr(module, '__file__', None) or 'built in'})"
