"""How Sphinx builds the documentation: ``sphinx-build -W -b html docs OUT``."""

import sys
from pathlib import Path

from pygments.lexer import RegexLexer, bygroups
from pygments.token import Comment, Keyword, Name, Operator, Punctuation, Text
from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from trualias import __version__

project = "trualias"
author = "The trualias developers"
copyright = f"2026, {author}"
version = release = __version__

# A literal block without a language is what somebody types or reads, not a program.
highlight_language = "none"
html_theme = "alabaster"
html_theme_options = {"description": "E-mail aliases that nobody has to create", "page_width": "1000px"}
# The guides lie in install/, where an administrator looks for them, and are shown here as well.
html_show_sourcelink = False
nitpicky = True


class PolicyLexer(RegexLexer):
    """Colours for the alias policy language."""

    name = "trualias"
    aliases = ["trualias"]
    tokens = {
        "root": [
            (r"^[ \t]*#.*\n", Comment.Single),
            (r"^([A-Z][A-Z ]*)(:)(.*\n)", bygroups(Name.Attribute, Punctuation, Text)),
            (r"\b(ACCOUNT|USING|ALIASED|MATCHES|WITH|EXPECT)\b", Keyword),
            (r"\b(DIGITS|ALPHAS|VOWELS|CHARS|CHAR|LABELS|ANY|NONE)(?=\()", Name.Function),
            (r"%\w*%", Name.Variable),
            (r"[;,()]", Punctuation),
            (r"\*", Operator),
            (r"\s+|[^\s%;,()#]+|.", Text),
        ]
    }


def setup(app: Sphinx) -> None:
    """Tell Sphinx of the language that most examples are written in."""
    app.add_lexer("trualias", PolicyLexer)
