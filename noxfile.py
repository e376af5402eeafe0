"""Sessions of nox, each in an environment of its own: ``nox -s quick`` (or tests, lint, types, docs, bench)."""

import nox

nox.options.sessions = ["quick", "lint", "types"]


@nox.session
def quick(session: nox.Session) -> None:
    """Run the unit tests, in less than a minute."""
    session.install(".[test]")
    session.run("python", "-m", "trualias.testing.run", "--quick")


@nox.session
def tests(session: nox.Session) -> None:
    """Run all tests with coverage; with names of tests as arguments, only these, without."""
    session.install(".[test]")
    if session.posargs:
        session.run("python", "-m", "twisted.trial", *session.posargs)
    else:
        session.run("python", "-m", "trualias.testing.run")


@nox.session
def lint(session: nox.Session) -> None:
    """Check the format, the code, the layers of imports, the news and the Dockerfile."""
    session.install(".[dev]")
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    session.run("lint-imports", "--no-cache")
    session.run("hadolint", "Dockerfile")
    session.run(".ci/news", "--check", external=True, env={"TOWNCRIER": f"{session.bin}/towncrier"})


@nox.session
def types(session: nox.Session) -> None:
    """Check the types."""
    session.install(".[dev]")
    session.run("mypy")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation into build/docs and the manual pages into build/man."""
    session.install(".[docs]")
    for builder, folder in (("html", "build/docs"), ("man", "build/man")):
        session.run("sphinx-build", "-W", "--keep-going", "-q", "-b", builder, "docs", folder)


@nox.session
def bench(session: nox.Session) -> None:
    """Run the benchmark, in full or with its own options: ``nox -s bench -- --short``."""
    session.install(".[test]")
    session.run("python", "-m", "benchmarks", *session.posargs)
