"""Sample of a PROCESSOR module: your own Python code before and after each lookup.

Copy this file to another name, change the copy, and name it in the configuration, without ``.py``:

    PROCESSOR: my_hooks

The server searches for my_hooks.py in the folder of the configuration file first, then on Python's path. This sample
changes nothing.

The module is reloaded, and ``reload()`` called, with each load of the configuration. The server watches the
configuration file only: after a change in the module alone, send the server a SIGHUP (or ``touch`` the configuration).
A module that is not found, lacks one of the five names below, or raises while it is loaded or in ``reload()`` is a
configuration error: the server does not start with it; a running server logs the error and keeps its configuration.

Never wait for anything in ``preprocess()`` and ``postprocess()``: the server looks up one address at a time, and the
mail server waits. Read files and query other services in ``reload()``, which runs in a separate thread.
"""

# The server sets both before it calls reload(): the accounts and the aliases in the statements of the configuration,
# each a frozenset of str, spelled as in the file.
ACCOUNTS: frozenset[str] = frozenset()
ALIASES: frozenset[str] = frozenset()


def reload() -> None:
    """Prepare what the hooks need. Called after each load of the configuration, before the first lookup with it."""


def preprocess(alias: str, domain: str | None = None) -> tuple[str, str | None] | None:
    """Return the local part and the domain to look up instead of ``alias`` and ``domain``; None: it is not found.

    The table server passes None for the domain and ignores the returned domain. The virtual server passes the parts
    before and after the last @, before it looks the domain up in ALIAS DOMAINS.

    An exception is logged, and the reply is a temporary error.

    An example that makes lookups ignore case, as ``CASE SENSITIVE: no`` does:

        return (alias.lower(), domain)
    """
    return (alias, domain)


def postprocess(account: str, domain: str | None = None) -> tuple[str, str | None] | None:
    """Return the account and the domain to answer instead of the ``account`` that was found and ``domain``.

    None: the address is not found. Called only when an account was found. An exception is logged, and the reply is a
    temporary error.

    An example that delivers all mail on another host, for the virtual server:

        return (account, 'mailbox.example.com')
    """
    return (account, domain)
