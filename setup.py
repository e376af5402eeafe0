"""What pyproject.toml cannot say: the plugin inside Twisted's namespace, and the files beside the package."""

from glob import glob

from setuptools import find_namespace_packages, setup

SHARE = "share/trualias"

setup(
    # find_packages() would leave out twisted.plugins: it has no __init__.py, and must not have one.
    packages=find_namespace_packages(include=["trualias*", "twisted.plugins"]),
    package_data={
        "trualias": ["py.typed"],
        "trualias.policy": ["*.lark"],
        "trualias.test": ["*.json"],
        "trualias.words": ["*.txt"],
    },
    data_files=[
        (f"{SHARE}/conf", sorted(glob("conf/*.sample") + glob("conf/*.py"))),
        (f"{SHARE}/tac", sorted(glob("tac/*.tac"))),
        (f"{SHARE}/install", sorted(name for name in glob("install/*") if not name.endswith("~"))),
    ],
    zip_safe=False,
)
