"""Sample of a PROCESSOR module: your own Python code before and after each lookup.

Copy this file under a name of your own, change the copy, and name it in the configuration, without `.py`:

    PROCESSOR: my_hooks

The server looks for my_hooks.py in the folder of the configuration file first, then on Python's path. As it stands,
this module changes nothing.

The module is loaded anew, and `reload()` called, whenever the configuration is loaded. The server watches the
configuration file only: after a change in the module alone, send the server a SIGHUP (or `touch` the configuration).
A module that is not found, lacks one of the five names below, or raises while it is loaded or in `reload()` is an error
in the configuration: the server does not start with it; one that runs logs the error and goes on as before.

Never wait for anything in `preprocess()` and `postprocess()`: the server looks up one address at a time, and the mail
server waits. Read files and ask other services in `reload()`, which runs beside the lookups, in a thread of its own.
"""

# The server sets both before it calls reload(): the accounts and the aliases that the statements of the configuration
# name, each a frozenset of str, spelled as in the file.
ACCOUNTS: frozenset[str] = frozenset()
ALIASES: frozenset[str] = frozenset()


def reload() -> None:
    """Prepare what the hooks need. Called after each load of the configuration, before the first lookup with it."""


def preprocess(alias: str, domain: str | None = None) -> tuple[str, str | None]:
    """Return what to look up for `alias`, as a pair of alias and domain.

    The table server passes None for the domain and ignores what comes back for it. The virtual server passes what
    stands before the last @ and what stands after it, before it looks the domain up in ALIAS DOMAINS.

    What this raises is logged; the mail server is told to try again later.

    An example that makes lookups ignore case, as `CASE SENSITIVE: no` does:

        return (alias.lower(), domain)
    """
    return (alias, domain)


def postprocess(account: str, domain: str | None = None) -> tuple[str, str | None]:
    """Return what to answer for the `account` that was found, as a pair of account and domain.

    Called only when an account was found. What this raises is logged; the mail server is told to try again later.

    An example that delivers everything at another host, for the virtual server:

        return (account, 'mailbox.example.com')
    """
    return (account, domain)
