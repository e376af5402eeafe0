"""What `trualias strength` says: figures in the words of people, or as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trualias.analysis.rule_inference import INDEX, ITEMS, LEAKS, NEARLY, RUNS, Leaks
from trualias.analysis.strength import Proportion, Strength


def sentences(found: Strength) -> Iterator[tuple[str, str]]:
    """Say the figures of a statement: what each is called, and a sentence."""
    accounts, aliases = len(found.rule.accounts), len(found.rule.aliases)
    whose = found.account + (f", one of {accounts} accounts" if accounts > 1 else "")
    if found.alias:
        whose += f", as {found.alias}" + (f", one of {aliases} aliases" if aliases > 1 else "")
    yield "whose", whose
    yield "blind", f"{one_of(found.blind)} blind guesses gets through, codes like {found.form}"
    best = found.constant
    if not found.rule.identifiers:
        yield "constant", f"{best.code} is the code of every address: nobody has to guess"
        return
    most = "" if best.best else "; perhaps another code does for more"
    yield "constant", f"always sending {best.code} gets through for {percent(best.passes)} of names{most}"
    yield "replay", f"the code of a leaked address gets through for {percent(found.replay)} of other names"
    if found.samples is None:
        yield "samples", f"not searched: the code has more than {ITEMS} items"
        return
    nearly, only = found.samples.nearly, found.samples.only
    if nearly == only:
        yield "samples", f"after {_leaks(only)} only this rule is left"
    else:
        yield "samples", f"after {_leaks(nearly)} the code of 9 names in 10 is known,"
        yield "", f"after {_leaks(only)} only this rule is left"


def _leaks(leaks: Leaks) -> str:
    middle, low, high = (
        f"more than {LEAKS}" if count is None else str(count) for count in (leaks.middle, leaks.low, leaks.high)
    )
    noun = "leaked address" if leaks.middle == 1 else "leaked addresses"
    return f"{middle} {noun}" + ("" if low == high else f" ({low} to {high})")


def notes(words: str, seed: int, figures: Sequence[Strength]) -> Iterator[str]:
    """Say what the figures stand on; *words* is what the list of words is called."""
    yield (f"Whoever guesses knows the shape of the addresses and draws words, as their owners do, from {words}.")
    if any(found.samples for found in figures):
        yield (
            f"Addresses leaked in {RUNS} runs, up to {LEAKS} in each; 8 of 10 runs were within the brackets. "
            f"Searched were all codes of up to {ITEMS} items that look at most {INDEX} characters into a word."
        )
    if not all(found.blind.exact and found.constant.passes.exact and found.replay.exact for found in figures):
        yield (
            "'About' is what could not all be counted and was partly drawn: 95 of 100 times the truth lies between the "
            f"figures in brackets. Chance began with --seed {seed}."
        )


def one_of(proportion: Proportion) -> str:
    """Say ``1 of 281``; where only a bound is known, ``fewer than 1 of 281``."""
    if not proportion.share:
        return f"fewer than 1 of {_tries(proportion.high)}"
    if proportion.exact:
        return f"1 of {_tries(proportion.share)}"
    most = f"1 of {_tries(proportion.low)}" if proportion.low else "none"
    return f"about 1 of {_tries(proportion.share)} (1 of {_tries(proportion.high)} to {most})"


def _tries(share: float) -> str:
    return f"{1 / share:.3g}" if share > 0.1 else f"{1 / share:.0f}"


def percent(proportion: Proportion) -> str:
    """Say ``2.2 %``; where only a bound is known, ``less than 2.2 %``."""
    if not proportion.share:
        return f"less than {_digits(100 * proportion.high)} %"
    if proportion.exact:
        return f"{_digits(100 * proportion.share)} %"
    low, high = (_digits(100 * share, 3) for share in (proportion.low, proportion.high))
    return f"about {_digits(100 * proportion.share)} % ({low} to {high} %)"


def _digits(number: float, count: int = 2) -> str:
    """Write a number with *count* digits that say something, and at least one behind the point."""
    if number < 1:
        return f"{number:.{count}g}"
    return f"{number:.{max(1, count - len(str(int(number))))}f}".removesuffix(".0")


def limits() -> dict[str, object]:
    """The limits of the search for rules, for programs."""
    return {"items": ITEMS, "index": INDEX, "leaks": LEAKS, "runs": RUNS, "nearly": NEARLY}


def for_programs(found: Strength) -> dict[str, object]:
    """The figures of a statement, for programs: shares are from 0 to 1, null is more than the limit."""
    samples = found.samples
    return {
        "account": found.account,
        "alias": found.alias or None,
        "combinations": found.combinations,
        "blind": {"form": found.form, **_share(found.blind)},
        "constant": {"code": found.constant.code, "best": found.constant.best, **_share(found.constant.passes)},
        "replay": _share(found.replay),
        "samples": samples and {"nearly": _runs(samples.nearly), "only": _runs(samples.only)},
    }


def _share(proportion: Proportion) -> dict[str, object]:
    return {"share": proportion.share, "low": proportion.low, "high": proportion.high, "exact": proportion.exact}


def _runs(leaks: Leaks) -> dict[str, int | None]:
    return {"middle": leaks.middle, "low": leaks.low, "high": leaks.high}
