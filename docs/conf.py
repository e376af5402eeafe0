"""Configuration of Sphinx: ``sphinx-build -W -b html docs OUT`` builds the documentation."""

import json
import re
import sys
from argparse import Action, ArgumentParser, _SubParsersAction
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from pygments.lexer import RegexLexer, bygroups
from pygments.token import Comment, Keyword, Name, Operator, Punctuation, Text
from sphinx.addnodes import only
from sphinx.application import Sphinx
from sphinx.builders import Builder
from sphinx.util.docutils import SphinxDirective
from sphinx.writers.manpage import ManualPageTranslator

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from drawing import draw
from links import FileLinks, PageLinks

from trualias import __version__, tap_table, tap_virtual
from trualias.commands.arguments import example_and_status
from trualias.main import command_line
from trualias.tap import ServerOptions

project = "trualias"
author = "The trualias developers"
copyright = f"2026, {author}"
version = release = __version__

# A literal block without a language is a transcript or a file, not a program.
highlight_language = "none"
extensions = ["sphinx_copybutton"]
# The prompts and the output of a transcript are not copied.
copybutton_prompt_text = r"^[$#] "
copybutton_prompt_is_regexp = True
html_theme = "furo"
html_title = f"trualias {version}"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_show_sourcelink = False
nitpicky = True
exclude_patterns = ["*.inc.rst"]

# Those of other programs.
manpages_url = "https://manpages.debian.org/{page}.{section}"

# The manual pages are pages of this documentation: document, name, description, author, section.
man_pages = [
    ("trualias", "trualias", "verifiable mail aliases on the command line", author, 1),
    ("policy", "trualias.conf", "configuration and policy language of trualias", author, 5),
    ("trualias-table", "trualias-table", "alias server that looks up local parts", author, 8),
    ("trualias-virtual", "trualias-virtual", "alias server that looks up whole addresses", author, 8),
]


class PolicyLexer(RegexLexer):
    """Syntax highlighting of the policy language."""

    name = "trualias"
    aliases = ["trualias"]
    tokens = {
        "root": [
            (r"^[ \t]*#.*\n", Comment.Single),
            (r"^([A-Z][A-Z ]*)(:)(.*\n)", bygroups(Name.Attribute, Punctuation, Text)),
            (r"\b(ACCOUNT|USING|ALIASED|MATCHES|WITH|EXPECT|REFUSE|DELIVER|AT|TO)\b", Keyword),
            (r"\b(DIGITS|ALPHAS|VOWELS|CHARS|CHAR|LABELS|ANY|NONE)(?=\()", Name.Function),
            (r"^[ \t]*END[ \t]*$", Keyword),
            (r"%\w*%", Name.Variable),
            (r"[;,()]", Punctuation),
            (r"\*", Operator),
            (r"\s+|[^\s%;,()#]+|.", Text),
        ]
    }


class CommandDirective(SphinxDirective):
    """``.. command:: alias revoke`` includes the text of ``trualias alias revoke --help``."""

    required_arguments = 1
    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the paragraphs about a command."""
        command: ArgumentParser = command_line()
        for name in self.arguments:
            command = _commands(command)[name]
        usage = " ".join(command.format_usage().removeprefix("usage: ").split())
        actions = [action for action in command._actions if action.dest != "help"]
        found: list[nodes.Node] = [nodes.literal_block(text=usage), nodes.paragraph(text=command.description or "")]
        found.append(_definitions([(_terms(action), action.help or "") for action in actions]))
        example, status = example_and_status(command)
        found.append(nodes.paragraph("", "Example:"))
        found.append(nodes.literal_block(text=f"$ {example}"))
        found.append(nodes.paragraph(text=f"Exit status: {status}."))
        return found


class ExitStatusDirective(SphinxDirective):
    """``.. exit-statuses::`` lists the exit statuses of all commands."""

    def run(self) -> list[nodes.Node]:
        """Return the list."""
        commands = _commands(command_line()).items()
        return [_definitions([([name], f"{example_and_status(command)[1]}.") for name, command in commands])]


class JsonFieldsDirective(SphinxDirective):
    """``.. json-fields:: query`` lists the fields of a command's JSON output, from its schema."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the list of the fields."""
        path = Path(__file__).with_name("trualias.schema.json")
        self.env.note_dependency(str(path))
        schema = json.loads(path.read_text("utf-8"))["$defs"][self.arguments[0]]
        return [_definitions([([name], text) for name, text in _fields(schema, "")])]


def _fields(schema: dict[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the description of each field below a schema."""
    for one in schema.get("oneOf", []):
        yield from _fields(one, prefix)
    if "items" in schema:
        yield from _fields(schema["items"], f"{prefix}[]")
    for name, field in schema.get("properties", {}).items():
        path = f"{prefix}.{name}" if prefix else name
        types = field.get("type") or [one.get("type") for one in field.get("oneOf", [])]
        values = field.get("enum", [])
        remarks = ["or null"] if "null" in types or None in values else []
        if name not in schema["required"]:
            remarks.append("optional")
        listed = f": {', '.join(value for value in values if value is not None)}" if values else ""
        yield path, f"{field['description']}{listed}{'; '.join(['', *remarks])}"
        yield from _fields(field, path)


class ServerOptionsDirective(SphinxDirective):
    """``.. server-options:: trualias-table`` lists the options of a server."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the list of the options."""
        servers: dict[str, type[ServerOptions]] = {
            "trualias-table": tap_table.Options,
            "trualias-virtual": tap_virtual.Options,
        }
        options = servers[self.arguments[0]]()
        usage = options.getUsage(100_000).partition("\n\n")[0]
        found = re.findall(r"^ +((?:-\w, )?--\S+)  +(.*)$", usage, re.MULTILINE)
        return [_definitions([([names.replace("=", " VALUE")], text) for names, text in found])]


class DrawingDirective(SphinxDirective):
    """``.. drawing:: TITLE`` is a picture on a page of HTML, and its text elsewhere: see ``drawing.py``."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the picture and the text."""
        text = "\n".join(self.content)
        try:
            picture = draw(text, self.arguments[0], f"drawing-{self.env.new_serialno('drawing')}")
        except ValueError as error:
            raise self.error(f"drawing: {error}") from error
        return [nodes.raw(text=picture, format="html"), only("", nodes.literal_block(text=text), expr="not html")]


class DashboardDirective(SphinxDirective):
    """``.. dashboard::`` shows the panels of ``install/grafana-dashboard.json``, drawn by ``python -m dashboard``."""

    def run(self) -> list[nodes.Node]:
        """Return a figure for each panel."""
        path = Path(__file__).resolve().parent.parent / "install" / "grafana-dashboard.json"
        self.env.note_dependency(str(path))
        box = nodes.container(classes=["dashboard"])
        for panel in json.loads(path.read_text("utf-8"))["panels"]:
            picture = nodes.image(uri=f"dashboard/panel-{panel['id']}.svg", alt=f"The panel {panel['title']}")
            box += nodes.figure("", picture, nodes.caption(text=panel["description"]))
        return [box]


def _commands(parser: ArgumentParser) -> dict[str, ArgumentParser]:
    (found,) = (action for action in parser._actions if isinstance(action, _SubParsersAction))
    return dict(found.choices)


def _terms(action: Action) -> list[str]:
    """Return the spellings of an option or another argument: ``-c FILE``, ``--config FILE``."""
    value = "" if action.nargs == 0 else action.metavar or "|".join(action.choices or ()) or action.dest.upper()
    return [f"{option} {value}".strip() for option in action.option_strings] or [str(value)]


def _definitions(rows: list[tuple[list[str], str]]) -> nodes.Node:
    items = nodes.definition_list()
    for terms, text in rows:
        term = nodes.term()
        for number, written in enumerate(terms):
            term += [nodes.Text(", ")] if number else []
            term += nodes.literal(text=written)
        items += nodes.definition_list_item("", term, nodes.definition("", nodes.paragraph(text=text)))
    return items


# The width of a table in a manual page on a terminal of 80 columns.
_TABLE_WIDTH = 72


class ManualPage(ManualPageTranslator):
    """A page of the documentation as a manual page."""

    def __init__(self, document: nodes.document, builder: Builder) -> None:
        super().__init__(document, builder)
        # Docutils shadows the method of this name with an attribute.
        vars(self).pop("visit_reference", None)

    def header(self) -> str:
        """Return the start of the page, with a heading for the text before the first section.

        Lines are not justified, because cells of tables are too narrow. Words are not hyphenated, because they can be
        addresses.
        """
        page = next(self.document.findall(nodes.section))
        heading = "" if isinstance(page[1], nodes.section) else ".SH DESCRIPTION\n"
        return f"{super().header()}.ad l\n.nr HY 0\n.nh\n{heading}"

    def depart_table(self, node: nodes.table) -> None:
        """Set the widths of the columns; on a narrow terminal shrink the widest column first."""
        rows = [[entry.astext() for entry in row.findall(nodes.entry)] for row in node.findall(nodes.row)]
        columns = list(zip(*rows, strict=True))
        widths = [max(map(len, cells)) for cells in columns]
        least = [max(len(word) for cell in cells for word in ["", *cell.split()]) for cells in columns]
        while sum(widths) + 3 * len(widths) > _TABLE_WIDTH and widths != least:
            widest = max(range(len(widths)), key=lambda at: (widths[at] > least[at], widths[at]))
            widths[widest] -= 1
        vars(self)["_active_table"]._coldefs = [f"lw({width}n)" for width in widths]
        super().depart_table(node)

    def visit_reference(self, node: nodes.reference) -> None:
        """Write the text of a reference without its address, which is useless on paper."""
        self.visit_emphasis(nodes.emphasis())
        self.visit_Text(nodes.Text(node.astext()))
        self.depart_emphasis(nodes.emphasis())
        raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    """Register the lexer, the directives and the writer of manual pages."""
    app.add_lexer("trualias", PolicyLexer)
    app.add_directive("command", CommandDirective)
    app.add_directive("dashboard", DashboardDirective)
    app.add_directive("drawing", DrawingDirective)
    app.add_directive("json-fields", JsonFieldsDirective)
    app.add_directive("exit-statuses", ExitStatusDirective)
    app.add_directive("server-options", ServerOptionsDirective)
    app.add_transform(FileLinks)
    app.add_post_transform(PageLinks)
    app.set_translator("man", ManualPage)
