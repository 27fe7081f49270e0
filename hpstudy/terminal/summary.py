"""A study as it stands, in the terminal: the end of a run, and `hpstudy show NAME`."""

from __future__ import annotations

from rich.console import Console, Group, RenderableType
from rich.text import Text

from hpstudy.numbers import duration, plural
from hpstudy.results.confirmed import headline
from hpstudy.results.digests import damage_text, digests_text
from hpstudy.results.exhaustion import repeats_text
from hpstudy.results.saved import saved
from hpstudy.results.study import StudyResults, diverged, out_of_time
from hpstudy.tables import BASELINES
from hpstudy.terminal.confirmation import confirmation
from hpstudy.terminal.next_steps import next_steps
from hpstudy.terminal.tables import leaderboard, named_models


def study_summary(results: StudyResults, *, console: Console) -> Group:
    """The end of a run, and `hpstudy show NAME`: leaderboard, models, confirmation, verdict, and what to do next.

    Args:
        results: The study.
        console: Where it will be printed; its width decides how the settings are laid out.
    """
    parts: list[RenderableType] = [_head(results), *damage(results), leaderboard(results, console=console)]
    if (results.trials["part"] == BASELINES).any():
        parts += [Text(), named_models(results)]
    if not results.confirmations.empty:
        parts += [Text(), confirmation(results, console=console)]
    parts += [Text(), _counts(results), Text(headline(results), style="bold"), Text(), next_steps(results)]
    return Group(*parts)


def _head(results: StudyResults) -> Text:
    return Text.assemble((results.name, "bold"), f": {results.description}" if results.description else "", "\n")


def damage(results: StudyResults) -> list[RenderableType]:
    """What is not as hpstudy stored it, before anything else is said; nothing of a sound study."""
    text = damage_text(results.digests)
    return [Text(f"{text}\n", style="bold red")] if text else []


def _counts(results: StudyResults) -> Text:
    search = results.search
    counts = search["state"].value_counts()
    text = ", ".join(f"{count} {state}" for state, count in counts.items())
    lines = [f"{plural(len(search), 'trial')}: {text}"] if text else []
    if repeated := repeats_text(results):
        lines.append(repeated)
    seconds = float(results.trials["seconds"].sum() + results.confirmations["seconds"].sum())
    what = "of training in all" if results.identity else "in all, one trial after the other"
    lines.append(f"{duration(seconds)} {what}")
    early = saved(search)
    if early.n_trials and results.identity:
        lines.append(f"stopping trials early saved {early.epochs:,} of {early.planned:,} epochs")
    if n_diverged := int(diverged(search).sum()):
        lines.append(f"{plural(n_diverged, 'trial')} diverged: the loss was not finite")
    if late := int(out_of_time(search).sum()):
        lines.append(f"{plural(late, 'trial')} stopped at max_seconds")
    explained = search[(search["state"] == "failed") & (search["message"] != "")]
    if results.identity and results.digests.without:
        lines.append(f"digests: {digests_text(results.digests)}")
    lines += [f"trial {row.label} failed: {row.message}" for row in explained.head(5).itertuples()]
    return Text("\n".join(lines))
