"""From the text of a configuration to its syntax tree."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from importlib.resources import files
from typing import Any

from attrs import frozen
from lark import Lark, Transformer, UnexpectedCharacters, UnexpectedInput, UnexpectedToken, v_args
from lark.lexer import Token

from trualias.policy.source import PolicyError, Source, did_you_mean, one_of
from trualias.policy.tree import (
    Account,
    Answer,
    Argument,
    Call,
    CodeField,
    CodeLiteral,
    Expect,
    Expression,
    FieldClass,
    Identifier,
    Item,
    Literal,
    Name,
    NameField,
    NameKind,
    Setting,
    Statement,
    Tree,
)
from trualias.policy.tree import Token as ExpressionToken

_FIELDS: dict[str, Callable[[int], ExpressionToken]] = {
    **{kind.value: lambda place, kind=kind: NameField(kind, place) for kind in NameKind},  # type: ignore[misc]
    **{cls.value: lambda place, cls=cls: Identifier(cls, place) for cls in FieldClass},  # type: ignore[misc]
    "code": CodeField,
}
_CLASSES = {field_class.value: field_class for field_class in FieldClass}
_STARTS = ("ACCOUNT", "EXPECT")
_PAUSE_EVERY = 20


class _Misfit(Exception):
    """Something that only the meaning of a word tells; becomes a PolicyError where the source is known."""

    def __init__(self, place: int, message: str) -> None:
        super().__init__(message)
        self.place = place
        self.message = message


def parse_expression(text: str, place: int) -> Expression:
    """Read an expression that starts at ``place``.

    Raises:
        _Misfit: a ``%`` without its partner, or an unknown field.
    """
    tokens: list[ExpressionToken] = []
    literal = ""
    literal_place = 0
    for part in re.finditer(r"%%|%[^%]*%|[^%]+|%", text):
        word = part.group()
        here = place + part.start()
        if word == "%":
            raise _Misfit(here, "this '%' has no partner; a percent sign is written '%%'")
        if word == "%%" or word[0] != "%":
            literal_place = literal_place if literal else here
            literal += "%" if word == "%%" else word
            continue
        if literal:
            tokens.append(Literal(literal, literal_place))
            literal = ""
        field = word[1:-1]
        if field not in _FIELDS:
            raise _Misfit(
                here, f"unknown field '{word}'; expected {one_of(list(_FIELDS))}{did_you_mean(field, list(_FIELDS))}"
            )
        tokens.append(_FIELDS[field](here))
    if literal:
        tokens.append(Literal(literal, literal_place))
    return tuple(tokens)


@v_args(inline=True)
class _Build(Transformer[Token, Any]):
    """Builds the nodes while Lark parses a statement that starts at the offset ``base`` of the text."""

    base = 0

    def _place(self, token: Token) -> int:
        assert token.start_pos is not None
        return self.base + token.start_pos

    def setting(self, name: Token, value: Token | None) -> Setting:
        end = self._place(name) + len(name)
        return Setting(
            " ".join(name.split()),
            value.rstrip() if value else "",
            self._place(name),
            self._place(value) if value else end,
        )

    def names(self, *names: Token) -> tuple[Name, ...]:
        return tuple([Name(str(name), self._place(name)) for name in names])

    def call(self, function: Token, *arguments: Token | None) -> Call:
        return Call(
            str(function), tuple([Argument(str(a), self._place(a)) for a in arguments if a]), self._place(function)
        )

    def code_literal(self, text: Token) -> CodeLiteral:
        return CodeLiteral(str(text), self._place(text))

    def account(
        self,
        accounts: tuple[Name, ...],
        using: Token | None,
        aliased: tuple[Name, ...] | Token | None,
        expression: Token,
        *items: Item,
    ) -> Account:
        if using is not None and using not in _CLASSES:
            known = list(_CLASSES)
            raise _Misfit(
                self._place(using), f"unknown class '{using}'; expected {one_of(known)}{did_you_mean(using, known)}"
            )
        return Account(
            accounts,
            _CLASSES[using] if using else FieldClass.IDENT,
            aliased if isinstance(aliased, tuple) else (),
            parse_expression(expression, self._place(expression)),
            items,
            accounts[0].place,
        )

    def expect(self, *words: Token) -> Expect:
        *addresses, answer = words
        keywords = {member.value: member for member in Answer}
        return Expect(
            tuple([Name(str(address), self._place(address)) for address in addresses]),
            keywords.get(str(answer)) or Name(str(answer), self._place(answer)),
            self._place(addresses[0]),
        )


class _Reader(threading.local):
    """The generated parser, one for each thread, since the builder keeps the place of the statement being parsed."""

    def __init__(self) -> None:
        self._build = _Build()
        self._lark = Lark(
            files("trualias.policy").joinpath("grammar.lark").read_text("utf-8"),
            parser="lalr",
            start=["setting", "account", "expect"],
            maybe_placeholders=True,
            transformer=self._build,
        )

    def read(self, text: str, piece: _Piece) -> Statement:
        """Parse one piece of a text.

        Raises:
            UnexpectedInput: a syntax error; its places count from the start of the piece.
            _Misfit: a word that fits the syntax but means nothing.
        """
        self._build.base = piece.start
        statement: Statement = self._lark.parse(text[piece.start : piece.end], start=piece.kind)  # type: ignore[assignment]
        return statement


_reader: _Reader | None = None


def _read(text: str, piece: _Piece) -> Statement:
    # Made when first needed: building the parser takes a while, and not every program that imports this parses.
    global _reader
    if _reader is None:
        _reader = _Reader()
    return _reader.read(text, piece)


@frozen
class Parsed:
    """What could be read of a text, and what could not."""

    tree: Tree
    errors: tuple[PolicyError, ...]


def parse(source: Source, pause: Callable[[], None] = lambda: None) -> Parsed:
    """Read a whole text; a statement with an error is left out of the tree, and the next one is read.

    ``pause`` is called every few statements, so that a long text need not keep others from their work.
    """
    statements: list[Statement] = []
    errors: list[PolicyError] = []
    for number, piece in enumerate(_pieces(source.text)):
        if number % _PAUSE_EVERY == 0:
            pause()
        try:
            if piece.problem:
                raise _Misfit(piece.problem_place, piece.problem)
            statements.append(_read(source.text, piece))
        except UnexpectedInput as error:
            errors.append(_explain(source, piece, error))
        except _Misfit as misfit:
            errors.append(PolicyError(source, misfit.place, misfit.message))
    return Parsed(Tree(tuple(statements)), tuple(errors))


@frozen
class _Piece:
    """Where a statement stands in the text, or what is there instead of one."""

    kind: str
    start: int
    end: int
    problem: str = ""
    problem_place: int = 0


_BLANKS = re.compile(r"\s*")
_COMMENT = re.compile(r"[^\S\n]*#[^\n]*")
_WORD = re.compile(r"[^\s;,():]+|\S")
_SETTING = re.compile(r"[^\S\n]*[A-Za-z][A-Za-z \t_-]*:[^\n]*")
_STATEMENT_LINE = re.compile(rf"[^\S\n]*(?:{'|'.join(_STARTS)})(?![^\s,;()])")


def _pieces(text: str) -> Iterator[_Piece]:
    """Cut a text into its statements."""
    at = 0
    while True:
        at = _skip(text, at)
        if at >= len(text):
            return
        line_end = text.find("\n", at)
        line_end = len(text) if line_end < 0 else line_end
        word_match = _WORD.match(text, at)
        assert word_match is not None
        word = word_match.group()
        starts_line = not text[text.rfind("\n", 0, at) + 1 : at].strip()
        if starts_line and _SETTING.fullmatch(text, at, line_end):
            yield _Piece("setting", at, line_end)
            at = line_end
        elif word in _STARTS:
            end, ended = _statement_end(text, word_match.end())
            problem = "" if ended else f"this {word} statement has no ';' at its end"
            yield _Piece(word.lower(), at, end, problem, at)
            at = end
        else:
            near = did_you_mean(word, _STARTS)
            problem = f"expected a setting (NAME: value), ACCOUNT or EXPECT, found '{word}'{near}"
            at_end = _statement_end(text, word_match.end()) if near else (line_end, True)
            yield _Piece("", at, at_end[0], problem, at)
            at = at_end[0]


def _skip(text: str, at: int) -> int:
    """Pass over white space and comment lines."""
    while True:
        blanks = _BLANKS.match(text, at)
        assert blanks is not None
        end = blanks.end()
        if end < len(text) and text[end] == "#" and not text[text.rfind("\n", 0, end) + 1 : end].strip():
            newline = text.find("\n", end)
            at = len(text) if newline < 0 else newline
        else:
            return end


def _statement_end(text: str, at: int) -> tuple[int, bool]:
    """Find the end of a statement whose first word is passed: behind its ';', or before the next statement's line."""
    while True:
        newline = text.find("\n", at)
        line_end = len(text) if newline < 0 else newline
        semicolon = text.find(";", at, line_end)
        if semicolon >= 0:
            return semicolon + 1, True
        at = line_end + 1
        while at < len(text) and (comment := _COMMENT.match(text, at)):
            at = comment.end() + 1
        if at >= len(text):
            return len(text), False
        if _SETTING.match(text, at) or _STATEMENT_LINE.match(text, at):
            return at, False


_EXPECTED = {
    "COMMA": "','",
    "SEMICOLON": "';'",
    "LPAR": "'('",
    "RPAR": "')'",
    "COLON": "':'",
    "EVERY": "'*'",
    "VALUE": "a value",
    "NAME": "a name",
    "CLASS": "a class",
    "EXPRESSION": "an expression",
    "FUNCTION": "a function",
    "LITERAL": "a literal",
    "ARGUMENT": "an argument",
    "ADDRESS": "an address",
    "ANSWER": "an account, NOTHING or DEBUG",
    "SETTING": "a setting",
}


def _explain(source: Source, piece: _Piece, error: UnexpectedInput) -> PolicyError:
    """Turn Lark's error into ours: what was found, what was expected, the likely mend."""
    if isinstance(error, UnexpectedToken):
        terminals = error.accepts or error.expected
        start = error.token.start_pos
        place = piece.end if start is None or error.token.type == "$END" else piece.start + start
    else:
        assert isinstance(error, UnexpectedCharacters)
        terminals = error.allowed or set()
        place = piece.start + int(getattr(error, "pos_in_stream", 0))
    terminals = set(terminals) - {"SPACE"}
    expected = sorted((_EXPECTED.get(name, name) for name in terminals), key=lambda text: (text.startswith("'"), text))
    word_match = _WORD.match(source.text, place, piece.end)
    word = word_match.group() if word_match else ""
    found = f"found '{word}'" if word else "found the end"
    near = did_you_mean(word, [name for name in terminals if name not in _EXPECTED]) if word else ""
    if terminals == {"WITH"} and not near:
        near = "; an expression has no white space inside"
    return PolicyError(source, place, f"expected {one_of(expected)}, {found}{near}")
