"""The output of ``trualias strength``, for people and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attrs import frozen

from trualias.analysis.composition import Target
from trualias.analysis.leaks import MOST_LEAKS, RUNS
from trualias.analysis.rule_inference import Leaks
from trualias.analysis.rule_search import MOST_ITEMS, NEARLY
from trualias.analysis.searched_items import FURTHEST_INDEX
from trualias.analysis.strength import Proportion, Strength
from trualias.analysis.word_classes import NoWords
from trualias.commands.output import Output, place, show_rows
from trualias.commands.terminal import Terminal
from trualias.configuration import Configuration
from trualias.configuration.guess_limits import GuessLimits
from trualias.language.tree import expression_text, item_text
from trualias.messages import number_of


@frozen(eq=False, repr=False)
class Measured:
    """A target with its figures, or with the class of an identifier for which there is no word.

    ``like`` is a target that was measured before and has the same figures; None for a target that was measured itself.
    """

    target: Target
    found: Strength | NoWords
    like: Target | None = None


def print_measured(
    configuration: Configuration, words: str, seed: int, measured: Sequence[Measured], terminal: Terminal
) -> None:
    """Print the figures of all targets, and notes on them; ``words`` describes the word list."""
    out = Output(terminal.output)
    alike = 0
    for one in measured:
        target, found = one.target, one.found
        alike += one.like is not None
        if one.like is not None and alike > _ALIKE:
            continue
        statement = target.rule.statement
        items = ", ".join(map(item_text, statement.items))
        line = configuration.line(statement.offset)
        out.print(
            f"{configuration.file(statement.offset)}:{line}: {expression_text(statement.expression)} WITH {items}",
            style="bold",
        )
        if one.like is not None:
            other = configuration.line_text(one.like.rule.statement.offset, statement.offset)
            out.print(f"  as the statement in {other}: they differ in names and literals alone\n")
            continue
        if isinstance(found, NoWords):
            out.print(f"  no figures: none of {words} can be %{found}%\n")
            continue
        sentences = _sentences(target, found, configuration.settings.guesses)
        show_rows(terminal.output, [(f"  {name}", sentence) for name, sentence in sentences])
        out.print()
    if alike > _ALIKE:
        more = number_of(alike - _ALIKE, "more statement differs", "more statements differ")
        out.print(f"{more} from one of these in names and literals alone; --json prints all\n", hanging=0)
    for note in _notes(words, seed, [one.found for one in measured if isinstance(one.found, Strength)]):
        out.print(note, hanging=0)


_ALIKE = 20
"""Statements with the figures of another one that a text for people has: there may be 30,000 of three shapes."""

_HOURS = 24 * 365
"""The hours of a year."""


def _yearly(share: float, limits: GuessLimits) -> float | None:
    """Return the guesses of one network that get through in a year; None if nothing limits them.

    Only wrong codes count for the limit: for each of them, ``share / (1 - share)`` guesses are right.
    """
    return None if share >= 1 else limits.per_hour * _HOURS * share / (1 - share)


def _hits(proportion: Proportion, limits: GuessLimits) -> str:
    """Describe how many guesses of a year get through from one network."""
    hits, most = _yearly(proportion.share, limits), _yearly(proportion.high, limits)
    if hits is None or most is None:
        return "all"
    if not hits:
        return f"fewer than {_rounded(most)}" if most else "none"
    return f"{'' if proportion.is_exact else 'about '}{_rounded(hits)}"


def _rounded(number: float) -> str:
    return f"{number:,.0f}" if number >= 10 else f"{number:.2g}"


def _limited(found: Strength, limits: GuessLimits) -> str:
    shares = (found.blind, found.constant.accepted, found.replay)
    blind, constant, replay = [_hits(share, limits) for share in shares]
    return (
        f"with {limits.per_hour} wrong codes an hour from one network, {limits.per_hour * _HOURS:,} a year, "
        f"{blind} get through blindly, {constant} with the constant code, {replay} with a leaked one"
    )


def _sentences(target: Target, found: Strength, limits: GuessLimits | None) -> Iterator[tuple[str, str]]:
    """Yield the name and a description of each figure."""
    rule = target.rule
    accounts, aliases = len(rule.accounts), len(rule.aliases)
    whose = target.account + (f", one of {accounts} accounts" if accounts > 1 else "")
    if target.alias:
        whose += f", as {target.alias}" + (f", one of {aliases} aliases" if aliases > 1 else "")
    if rule.domains is not None:
        whose += f", at {' or '.join(_domains(target))}"
    yield "whose", whose
    yield "blind", f"{one_of(found.blind)} blind guesses gets through, codes like {found.form}"
    best = found.constant
    if not rule.identifiers:
        yield "constant", f"{best.code} is the code of every address: there is nothing to guess"
        return
    doubt = "" if best.is_best else "; another code may get through for more"
    yield "constant", f"always sending {best.code} gets through for {percent(best.accepted)} of names{doubt}"
    yield "replay", f"the code of a leaked address gets through for {percent(found.replay)} of other names"
    if limits is not None:
        yield "limit", _limited(found, limits)
    if found.samples is None:
        yield "samples", f"not searched: the code has more than {MOST_ITEMS} items"
        return
    nearly, only = found.samples.nearly, found.samples.only
    if nearly == only:
        yield "samples", f"after {_leaks(only)} only this rule is left"
    else:
        yield "samples", f"after {_leaks(nearly)} the code of 9 names in 10 is known,"
        yield "", f"after {_leaks(only)} only this rule is left"


def _domains(target: Target) -> list[str]:
    """Return the domains after ``AT``, as spelled."""
    return [domain.text for domain in target.rule.statement.domains]


def _leaks(leaks: Leaks) -> str:
    middle, low, high = (
        f"more than {MOST_LEAKS}" if count is None else str(count) for count in (leaks.middle, leaks.low, leaks.high)
    )
    noun = "leaked address" if leaks.middle == 1 else "leaked addresses"
    return f"{middle} {noun}" + ("" if low == high else f" ({low} to {high})")


def _notes(words: str, seed: int, figures: Sequence[Strength]) -> Iterator[str]:
    """Yield the assumptions of the figures."""
    yield f"The attacker knows the shape of the addresses and draws words, as their owners do, from {words}."
    if any(found.samples for found in figures):
        yield (
            f"Addresses leaked in {RUNS} runs, up to {MOST_LEAKS} in each; 8 of 10 runs were within the brackets. "
            f"The search covers all codes of up to {MOST_ITEMS} items that look at most {FURTHEST_INDEX} characters "
            "into a word."
        )
    if not all(
        found.blind.is_exact and found.constant.accepted.is_exact and found.replay.is_exact for found in figures
    ):
        yield (
            "'About' marks a figure that was partly estimated from a random sample; the brackets hold its 95 % "
            f"confidence interval. The sample was drawn with --seed {seed}."
        )


def one_of(proportion: Proportion) -> str:
    """Describe a share as ``1 of 281``, or as ``fewer than 1 of 281`` if only an upper bound is known.

    A counted share of 0 is ``none of the``."""
    if not proportion.high:
        return "none of the"
    if not proportion.share:
        return f"fewer than 1 of {_tries(proportion.high)}"
    if proportion.is_exact:
        return f"1 of {_tries(proportion.share)}"
    most = f"1 of {_tries(proportion.low)}" if proportion.low else "none"
    return f"about 1 of {_tries(proportion.share)} (1 of {_tries(proportion.high)} to {most})"


def _tries(share: float) -> str:
    return f"{1 / share:.3g}" if share > 0.1 else f"{1 / share:.0f}"


def percent(proportion: Proportion) -> str:
    """Describe a share as ``2.2 %``, or as ``less than 2.2 %`` if only an upper bound is known."""
    if not proportion.high:
        return "0 %"
    if not proportion.share:
        return f"less than {_digits(100 * proportion.high)} %"
    if proportion.is_exact:
        return f"{_digits(100 * proportion.share)} %"
    low, high = (_digits(100 * share, 3) for share in (proportion.low, proportion.high))
    return f"about {_digits(100 * proportion.share)} % ({low} to {high} %)"


def _digits(number: float, count: int = 2) -> str:
    """Format a number with ``count`` significant digits, and at least one after the point."""
    if number < 1:
        return f"{number:.{count}g}"
    return f"{number:.{max(1, count - len(str(int(number))))}f}".removesuffix(".0")


def for_programs(
    configuration: Configuration, words: str, seed: int, measured: Sequence[Measured]
) -> dict[str, object]:
    """Return all figures, to be written as JSON: shares from 0 to 1, null for more than a limit."""
    limits = configuration.settings.guesses
    return {
        "configuration": configuration.name,
        "words": words,
        "seed": seed,
        "limits": {
            "items": MOST_ITEMS,
            "index": FURTHEST_INDEX,
            "leaks": MOST_LEAKS,
            "runs": RUNS,
            "nearly": NEARLY,
        },
        **({} if limits is None else {"guesses": {"per_hour": limits.per_hour, "per_year": limits.per_hour * _HOURS}}),
        "statements": [
            {
                **place(configuration, one.target.rule.statement.offset),
                "expression": expression_text(one.target.rule.statement.expression),
                "items": [item_text(item) for item in one.target.rule.statement.items],
                "domains": None if one.target.rule.domains is None else _domains(one.target),
                **({} if one.like is None else {"like": place(configuration, one.like.rule.statement.offset)}),
                **_figures(one.target, one.found, limits),
            }
            for one in measured
        ],
    }


def _figures(target: Target, found: Strength | NoWords, limits: GuessLimits | None) -> dict[str, object]:
    if isinstance(found, NoWords):
        return {"no_words": str(found)}
    samples = found.samples
    constant = found.constant
    return {
        "account": target.account,
        "alias": target.alias or None,
        "combinations": found.combinations,
        "blind": {"form": found.form, **_share(found.blind)},
        "constant": {"code": constant.code, "best": constant.is_best, **_share(constant.accepted)},
        "replay": _share(found.replay),
        **({} if limits is None else {"hits_per_year": _hits_json(found, limits)}),
        "samples": samples and {"nearly": _runs(samples.nearly), "only": _runs(samples.only)},
    }


def _hits_json(found: Strength, limits: GuessLimits) -> dict[str, object]:
    shares = {"blind": found.blind, "constant": found.constant.accepted, "replay": found.replay}
    return {name: _yearly(proportion.share, limits) for name, proportion in shares.items()}


def _share(proportion: Proportion) -> dict[str, object]:
    return {"share": proportion.share, "low": proportion.low, "high": proportion.high, "exact": proportion.is_exact}


def _runs(leaks: Leaks) -> dict[str, int | None]:
    return {"middle": leaks.middle, "low": leaks.low, "high": leaks.high}
