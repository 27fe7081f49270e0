"""Every figure of a report: which there are, why one is absent, and that both drawings are sound."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import plotly
import plotly.graph_objects as go
import pytest

from hpstudy.report.drawing.chart import Axis, Chart, Line, Panel, Points, Texts, numbers
from hpstudy.report.drawing.figure import Absent, Figure
from hpstudy.report.drawing.palette import PALETTE_FILE, light_palette
from hpstudy.report.drawing.pictures import draw_picture
from hpstudy.report.drawing.plot import draw_plot
from hpstudy.report.views.figures import build_figures, index_figures
from hpstudy.results.study import StudyResults
from hpstudy.spec.study import Choices, Range
from tests.report.views.pictured import make_predictions
from tests.results.synthetic import make_results

KEYS = [
    *("confirmed", "learning-curves", "all-curves", "best-so-far", "timeline", "pruning", "importance"),
    *("slice-learning_rate", "slice-optimizer", "slice-momentum", "slice-batch_size", "slice-dropout"),
    *("parallel", "contour", "network", "confusion", "predictions"),
]
HOSTILE = "</script><b>$x_1$ <a href='https://e.example'>%{x}</a>\u2028|\"'&amp;"


def importance(results: StudyResults) -> pd.DataFrame:
    names = list(results.searched)
    share = np.arange(len(names), 0, -1) / sum(range(len(names) + 1))
    return pd.DataFrame(
        {"setting": names, "importance": share, "low": share - 0.02, "high": share + 0.02, "n": len(results.ranked)}
    )


@pytest.fixture(scope="module")
def full() -> StudyResults:
    confirmed = {"best": (0.90, 0.91, 0.92), "model 1": (0.85, float("nan"), 0.87)}
    return make_results(baselines={"model 1": 0.86, "model 2": 0.87}, confirmed=confirmed)


@pytest.fixture(scope="module")
def figures(full: StudyResults) -> dict[str, Figure | Absent]:
    return build_figures(full, predictions=make_predictions(), importance=importance(full))


def drawn(figures: dict[str, Figure | Absent]) -> dict[str, Figure]:
    return {key: figure for key, figure in figures.items() if isinstance(figure, Figure)}


def reasons(figures: dict[str, Figure | Absent]) -> dict[str, str]:
    return {key: figure.reason for key, figure in figures.items() if isinstance(figure, Absent)}


def test_a_whole_study_has_every_figure_in_the_order_of_the_report(figures: dict[str, Figure | Absent]) -> None:
    assert list(figures) == KEYS
    assert reasons(figures) == {}
    for key, figure in drawn(figures).items():
        assert figure.key == key
        assert figure.title
        assert figure.caption.endswith(".")
        assert any(character.isdigit() for character in figure.alt)


def test_plots_are_what_plotly_understands(figures: dict[str, Figure | Absent]) -> None:
    for figure in drawn(figures).values():
        for plot in (figure.plot, figure.plot | figure.plot["narrow"]):
            # Plotly's own classes refuse unknown attributes and values.
            go.Figure(resolved({"data": plot["data"], "layout": plot["layout"]}))


def test_plots_are_strict_json_without_a_template(figures: dict[str, Figure | Absent]) -> None:
    for figure in drawn(figures).values():
        text = json.dumps(figure.plot, allow_nan=False)
        assert "template" not in text
        assert "://" not in text


def test_every_colour_of_a_plot_is_in_the_palette(figures: dict[str, Figure | Absent]) -> None:
    for figure in drawn(figures).values():
        tokens = {text for text in strings(figure.plot) if text.startswith("token:")}
        assert tokens <= {f"token:{name}" for name in light_palette()}


def test_two_builds_are_equal_to_the_byte(full: StudyResults, figures: dict[str, Figure | Absent]) -> None:
    again = drawn(build_figures(full, predictions=make_predictions(), importance=importance(full)))
    for key, figure in drawn(figures).items():
        assert json.dumps(again[key].plot) == json.dumps(figure.plot)
        assert (again[key].title, again[key].alt, again[key].caption) == (figure.title, figure.alt, figure.caption)
    for key in ("slice-optimizer", "confusion", "timeline"):
        assert again[key].picture() == drawn(figures)[key].picture()


def test_nothing_trained_leaves_every_view_absent_with_a_sentence() -> None:
    results = make_results(n_trials=0, n_pruned=0, n_failed=0)
    results = replace(results, runs=results.runs.iloc[:0])
    figures = build_figures(results, predictions=None)
    assert list(figures) == KEYS
    assert drawn(figures) == {}
    assert all(reason.endswith(".") and len(reason) > 20 for reason in reasons(figures).values())
    assert reasons(figures)["best-so-far"] == "No sampled trial is complete, so there is no best one yet."
    assert reasons(figures)["confirmed"] == "Nothing is confirmed yet: the test set has not been opened."


def test_a_study_whose_trials_all_failed_has_a_timeline_alone() -> None:
    figures = build_figures(make_results(n_trials=3, n_pruned=0, n_failed=3), predictions=None)
    assert set(drawn(figures)) == {"timeline", "network"}
    assert reasons(figures)["all-curves"] == "There are no learning curves, because no trial has ended an epoch."


def test_a_study_whose_trials_were_all_pruned_has_curves_but_no_best() -> None:
    figures = build_figures(make_results(n_trials=4, n_pruned=4, n_failed=0), predictions=None)
    assert set(drawn(figures)) == {"all-curves", "timeline", "pruning", "network"}
    assert drawn(figures)["pruning"].title == "Pruning saved 8 of 20 epochs (40 %)"
    assert reasons(figures)["slice-dropout"] == "No complete trial has a value of dropout."


def test_one_trial_has_its_own_figures_and_nothing_to_compare() -> None:
    figures = build_figures(make_results(n_trials=1, n_pruned=0, n_failed=0), predictions=None)
    assert {"learning-curves", "all-curves", "best-so-far", "slice-dropout"} <= set(drawn(figures))
    assert reasons(figures)["parallel"] == (
        "Parallel coordinates need at least two complete trials and two searched settings."
    )
    assert reasons(figures)["contour"].startswith("Only 1 complete trial has both learning rate and ")
    for figure in drawn(figures).values():
        figure.picture()


def test_a_study_that_is_still_running_shows_what_there_is() -> None:
    results = make_results(n_trials=12, n_pruned=1, n_failed=0, state="running")
    trials = results.trials.copy()
    trials.loc[10, ["state", "value", "ended_at"]] = ["running", np.nan, pd.NaT]
    figures = build_figures(replace(results, trials=trials), predictions=None)
    assert drawn(figures)["best-so-far"].title.endswith("of 11 to end")
    assert "10 complete" in drawn(figures)["timeline"].alt


@pytest.mark.parametrize("maximize", [True, False])
def test_a_study_of_plain_optuna_shows_its_objective_as_it_is(*, maximize: bool) -> None:
    made = make_results(n_pruned=2, maximize=maximize, objective="log loss", identity={})
    runs, epochs = made.runs.iloc[:0], made.epochs.iloc[:0]
    trials = made.trials.assign(epochs=0, seconds=0.0, epochs_planned=np.nan)
    results = replace(made, runs=runs, epochs=epochs, trials=trials)
    figures = build_figures(results, predictions=None)
    slices = {f"slice-{setting}" for setting in results.searched}
    assert set(drawn(figures)) == {"best-so-far", "timeline", "parallel", "contour"} | slices
    assert reasons(figures)["confirmed"] == "Plain Optuna made this study, so it has no confirmation."
    best = results.ranked.iloc[0]
    assert best["value"] == (results.search["value"].max() if maximize else results.search["value"].min())
    title = drawn(figures)["slice-dropout"].plot["layout"]["yaxis"]["title"]["text"]
    assert title == "log loss"
    assert "%" not in drawn(figures)["best-so-far"].alt
    assert f"{best['value']:.3g}" in drawn(figures)["best-so-far"].alt


def test_hostile_names_are_shown_as_text() -> None:
    made = make_results(baselines={HOSTILE: 0.86, "_under": 0.8}, confirmed={"best": (0.9, 0.91), HOSTILE: (0.8, 0.9)})
    trials = made.trials.rename(columns={"dropout": HOSTILE}).assign(optimizer=HOSTILE)
    domains: dict[str, Any] = {
        HOSTILE: Range(0.0, 0.6),
        "optimizer": Choices((HOSTILE, "token:text")),
        "x": Range(0, 1),
    }
    results = replace(made, name=HOSTILE, trials=trials, domains=domains, settings=(HOSTILE, "optimizer"))
    predictions = make_predictions((HOSTILE, "b", "c", "d"))
    figures = build_figures(results, predictions=predictions, importance=importance(results))
    for figure in drawn(figures).values():
        for text in strings(figure.plot):
            bare = text.replace("<b>", "", 1).removesuffix("</b>").replace("<br>", "")
            assert "<" not in bare
            assert "\u2028" not in text
        figure.picture()
    names = [trace.get("name") for trace in drawn(figures)["learning-curves"].plot["data"]]
    assert any(name and name.startswith("&lt;/script&gt;&lt;b&gt;$x_1$") for name in names)


def test_a_name_in_letters_that_the_font_lacks_is_drawn() -> None:
    axis = Axis("精度", low=0, high=1)
    chart = Chart((Panel(axis, axis, (Points(numbers([0.5]), numbers([0.5]), name="_\U000e0041"),)),))
    assert draw_picture(chart, title="शीर्षक $a_1").png.startswith(b"\x89PNG")


def test_a_persons_own_matplotlibrc_changes_nothing() -> None:
    import matplotlib as mpl  # noqa: PLC0415

    axis = Axis("x", low=0, high=1)
    chart = Chart((Panel(axis, axis, (Line(numbers([0, 1]), numbers([0, 1]), name="a $b_1$ c"),)),))
    before = draw_picture(chart, title="t")
    with mpl.rc_context({"font.size": 30, "text.color": "red", "axes.facecolor": "black", "savefig.transparent": True}):
        assert draw_picture(chart, title="t") == before


def test_dollars_are_no_formula() -> None:
    axis = Axis("", low=0, high=1)

    def words(text: str) -> bytes:
        return draw_picture(Chart((Panel(axis, axis, (Texts(numbers([0.5]), numbers([0.5]), [text]),)),)), title="t")

    # As a formula this would be an error.
    assert words(r"$\nothing{$") != words("nothing")


def test_colours_stand_only_where_figures_js_looks_for_them(figures: dict[str, Figure | Absent]) -> None:
    def outside(value: object, *, coloured: bool) -> list[str]:
        if isinstance(value, dict):
            return [
                found
                for key, item in value.items()
                for found in outside(item, coloured=coloured or "color" in key.lower())
            ]
        if isinstance(value, list):
            return [found for item in value for found in outside(item, coloured=coloured)]
        return [value] if isinstance(value, str) and value.startswith("token:") and not coloured else []

    assert [outside(figure.plot, coloured=False) for figure in drawn(figures).values()] == [[] for _ in KEYS]


def test_ten_thousand_trials_stay_small_and_say_what_is_left_out() -> None:
    results = make_results(n_trials=10_000, n_pruned=3_000, n_failed=10)
    figures = drawn(build_figures(results, predictions=make_predictions(), importance=importance(results)))
    sizes = {key: len(json.dumps(figure.plot, separators=(",", ":"))) for key, figure in figures.items()}
    assert sum(sizes.values()) < 1_500_000, sizes
    assert "Drawn are the best 10, " in figures["all-curves"].caption
    assert "Drawn are 2,000 of the trials." in figures["slice-dropout"].caption
    assert "Drawn are the last 2,000 trainings." in figures["timeline"].caption
    assert "Drawn are 494 of the trials." in figures["parallel"].caption


def test_fifty_trials_stay_under_half_a_megabyte(full: StudyResults) -> None:
    results = make_results(n_trials=50, n_pruned=20, baselines={"a": 0.8})
    figures = drawn(build_figures(results, predictions=make_predictions(), importance=importance(full)))
    assert sum(len(json.dumps(figure.plot)) for figure in figures.values()) < 500_000


def test_an_index_compares_studies(full: StudyResults) -> None:
    figures = index_figures([full, make_results("other", seed=3)])
    assert list(figures) == ["cost-accuracy", "curves-side-by-side"]
    assert "synthetic: 91.00 % test accuracy, confirmed, 0.8 min" in drawn(figures)["cost-accuracy"].alt
    assert drawn(figures)["curves-side-by-side"].title == "How the best trials of 2 studies learn"
    for figure in drawn(figures).values():
        figure.picture()
    assert set(reasons(index_figures([full]))) == {"cost-accuracy", "curves-side-by-side"}
    assert set(reasons(index_figures([]))) == {"cost-accuracy", "curves-side-by-side"}


def test_the_vendored_bundle_is_the_version_of_the_installed_plotly() -> None:
    bundle = (PALETTE_FILE.parent / "plotly-cartesian.min.js").read_text(encoding="utf-8")[:200]
    whole = plotly.offline.get_plotlyjs()[:200]
    assert version_line(bundle) == version_line(whole)
    assert "MIT License" in (PALETTE_FILE.parent / "plotly-cartesian.LICENSE.txt").read_text(encoding="utf-8")


def test_building_figures_imports_no_matplotlib() -> None:
    import subprocess  # noqa: PLC0415

    loaded = "any(name in sys.modules for name in ('matplotlib', 'torch'))"
    code = f"import sys, hpstudy.report.views.figures; sys.exit({loaded})"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_narrow_window_stacks_the_panels() -> None:
    axis = Axis("x", low=0, high=1)
    panel = Panel(axis, axis, (Line(numbers([0, 1]), numbers([0, 1])),))
    plot = draw_plot(Chart((panel, panel), columns=2, height=100))
    wide, narrow = plot["layout"], plot["narrow"]["layout"]
    assert wide["xaxis"]["domain"] == [0, 0.455]
    assert wide["xaxis2"]["domain"] == [0.545, 1]
    assert narrow["xaxis"]["domain"] == narrow["xaxis2"]["domain"] == [0, 1]
    assert narrow["yaxis"]["domain"][0] > narrow["yaxis2"]["domain"][1]
    assert narrow["height"] == wide["height"] + 100 + 84


def version_line(text: str) -> str:
    return next(line.split()[-1] for line in text.splitlines() if "plotly.js" in line)


def strings(value: object) -> list[str]:
    """All strings below a value, pictures left out."""
    if isinstance(value, dict):
        return [text for item in value.values() for text in strings(item)]
    if isinstance(value, list):
        return [text for item in value for text in strings(item)]
    return [value] if isinstance(value, str) and not value.startswith("data:") else []


def resolved(value: Any) -> Any:
    """As figures.js does it, for a light page."""
    if isinstance(value, dict):
        return {key: resolved(item) for key, item in value.items()}
    if isinstance(value, list):
        return [resolved(item) for item in value]
    return light_palette()[value[6:]] if isinstance(value, str) and value.startswith("token:") else value
