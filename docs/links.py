"""Links from the names of files and manual pages in the pages of HTML.

The documents are read as plain files, too, and name each other there by their paths: ``docs/policy.rst``.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.addnodes import download_reference, manpage
from sphinx.environment import BuildEnvironment
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform

ROOT = Path(__file__).resolve().parent.parent
# Folders of which a reader may want a file.
FOLDERS = ("conf", "docs", "install")


def documents_by_file(environment: BuildEnvironment) -> dict[str, str]:
    """Return the name of the document with the content of each file, by paths below the root of the source tree."""
    found = {f"docs/{name}.rst": name for name in environment.found_docs}
    for name, dependencies in environment.dependencies.items():
        for path in dependencies:
            file = Path(environment.srcdir, path).resolve()
            if file.suffix == ".rst" and ROOT in file.parents:
                found.setdefault(str(file.relative_to(ROOT)), name)
    return found


class FileLinks(SphinxTransform):
    """Links from the names of other files than documents to the files, which are copied beside the pages."""

    default_priority = 500

    def apply(self, **kwargs: Any) -> None:
        """Link the names in one document."""
        for node in list(names(self.document)):
            text = node.astext()
            other = text.startswith(FOLDERS) and not text.endswith(".rst")
            if isinstance(node, nodes.literal) and other and (ROOT / text).is_file():
                wrap(node, download_reference(reftarget=f"/../{text}"))


class PageLinks(SphinxPostTransform):
    """Links from the names of documents and of our manual pages to their pages, in HTML."""

    default_priority = 500
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        """Link the names in one page that are those of other pages."""
        documents = documents_by_file(self.env)
        pages = {f"{name}({section})": document for document, name, _, _, section in self.config.man_pages}
        for node in list(names(self.document)):
            target = (documents if isinstance(node, nodes.literal) else pages).get(node.astext())
            if target is not None and target != self.env.docname:
                address = self.app.builder.get_relative_uri(self.env.docname, target)
                wrap(node, nodes.reference(refuri=address, internal=True))


def names(document: nodes.document) -> Iterator[nodes.Element]:
    """Yield the literals and the names of manual pages of a document, but not those in titles and links."""
    for node in document.findall(lambda node: isinstance(node, (nodes.literal, manpage))):
        parent: nodes.Element | None = node.parent
        while parent is not None and not isinstance(parent, (nodes.reference, download_reference, nodes.title)):
            parent = parent.parent
        if parent is None and isinstance(node, nodes.Element):
            yield node


def wrap(node: nodes.Element, link: nodes.Element) -> None:
    """Put a node into a link, which takes its place."""
    node.replace_self(link)
    # Sphinx makes the name of a manual page a link by itself.
    link.append(nodes.emphasis(text=node.astext(), classes=["manpage"]) if isinstance(node, manpage) else node)
