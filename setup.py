"""Packaging that pyproject.toml cannot express: the plugin in Twisted's namespace, and the files beside the package."""

import gzip
import os
import tarfile
import time
from glob import glob
from pathlib import Path
from typing import Any

from setuptools import find_namespace_packages, setup
from setuptools.command.sdist import sdist

SHARE = "share/trualias"

# A wheel keeps the permissions of the files that it is built from. Every user of the machine must be able to read them.
os.umask(0o022)


class ReproducibleSdist(sdist):
    """A reproducible source distribution: the same source gives the same bytes.

    The dates in it are ``SOURCE_DATE_EPOCH``, where that is set.
    """

    def make_archive(
        self,
        base_name: Any,
        format: str,
        root_dir: Any = None,
        base_dir: Any = None,
        owner: str | None = None,
        group: str | None = None,
    ) -> str:
        """Pack the folder *base_dir* as a tar archive with gzip, the only format that PyPI accepts; return its path."""
        seconds = int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))

        def normalised(member: tarfile.TarInfo) -> tarfile.TarInfo:
            member.mtime = seconds
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            return member

        path = Path(f"{base_name}.tar.gz")
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            path.open("wb") as file,
            gzip.GzipFile("", "wb", fileobj=file, mtime=seconds) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
        ):
            archive.add(base_dir, filter=normalised)
        return str(path)


def completions() -> list[tuple[str, list[str]]]:
    """Return the folders of the shells for completion scripts, each with a file that has the name the shell wants.

    data_files cannot rename: the files are copied into the build directory first.
    """
    names = {
        "bash": "share/bash-completion/completions/trualias",
        "zsh": "share/zsh/site-functions/_trualias",
        "fish": "share/fish/vendor_completions.d/trualias.fish",
    }
    found = []
    for shell, name in names.items():
        made = Path("build", "completion", shell, Path(name).name)
        made.parent.mkdir(parents=True, exist_ok=True)
        made.write_bytes(Path("completion", shell).read_bytes())
        found.append((str(Path(name).parent), [str(made)]))
    return found


setup(
    cmdclass={"sdist": ReproducibleSdist},
    # find_packages() would leave out twisted.plugins: it has no __init__.py, and must not have one.
    packages=find_namespace_packages(include=["trualias*", "twisted.plugins"], exclude=["trualias.test*"]),
    # With the default, True, setuptools installs all files of MANIFEST.in below trualias/ as data: also the tests.
    include_package_data=False,
    package_data={
        "trualias": ["py.typed"],
        "trualias.analysis.words": ["*.txt"],
    },
    data_files=[
        (f"{SHARE}/conf", sorted(glob("conf/*.sample") + glob("conf/*.py"))),
        (f"{SHARE}/tac", sorted(glob("tac/*.tac"))),
        (f"{SHARE}/install", sorted(name for name in glob("install/*") if os.path.isfile(name) and name[-1] != "~")),
        ("share/man/man1", glob("man/*.1")),
        ("share/man/man5", glob("man/*.5")),
        ("share/man/man8", sorted(glob("man/*.8"))),
        *completions(),
    ],
    zip_safe=False,
)
