"""The figures of a report: every view of a study, drawn, or the reason why it is absent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import pandas as pd

from hpstudy.artifacts import TestPredictions
from hpstudy.report.drawing.chart import Chart
from hpstudy.report.drawing.figure import Absent, Figure, Picture
from hpstudy.report.drawing.plot import draw_plot
from hpstudy.report.views.comparison import cost_view, curves_view
from hpstudy.report.views.confirmed import confirmed_view
from hpstudy.report.views.confusion import confusion_view
from hpstudy.report.views.contour import contour_view
from hpstudy.report.views.curves import all_curves, learning_curves
from hpstudy.report.views.importances import importance_view
from hpstudy.report.views.network import network_view
from hpstudy.report.views.parallel import parallel_view
from hpstudy.report.views.pictures import predictions_view
from hpstudy.report.views.progress import best_so_far_view, timeline_view
from hpstudy.report.views.pruning import pruning_view
from hpstudy.report.views.scales import setting_label
from hpstudy.report.views.slices import slice_view
from hpstudy.report.views.view import NoView, View
from hpstudy.results.study import StudyResults


def build_figures(
    results: StudyResults, *, predictions: TestPredictions | None, importance: pd.DataFrame | None = None
) -> dict[str, Figure | Absent]:
    """All figures of a study in the order of the report, by key.

    Args:
        results: The study.
        predictions: Of the confirmed candidate for the test set; None where there are none.
        importance: A row a setting with `setting`, `importance`, `low`, `high` and `n`; None where there are too few
            trials for it.
    """
    views: dict[str, tuple[str, Callable[[], View]]] = {
        "confirmed": ("Confirmed test accuracies", partial(confirmed_view, results)),
        "learning-curves": ("Learning curves of the best trial and the baselines", partial(learning_curves, results)),
        "all-curves": ("Validation curves of all trials", partial(all_curves, results)),
        "best-so-far": ("Best so far", partial(best_so_far_view, results)),
        "timeline": ("Timeline of the workers", partial(timeline_view, results)),
        "pruning": ("What pruning saved", partial(pruning_view, results)),
        "importance": ("Importance of the settings", partial(importance_view, results, importance)),
    }
    for setting in results.searched:
        views[f"slice-{setting}"] = (f"Trials by {setting_label(setting)}", partial(slice_view, results, setting))
    views |= {
        "parallel": ("All settings at once", partial(parallel_view, results)),
        "contour": ("Two settings at once", partial(contour_view, results, importance)),
        "network": ("The best network", partial(network_view, results)),
        "confusion": ("Which classes are confused", partial(confusion_view, predictions)),
        "predictions": ("Test pictures and what they were taken for", partial(predictions_view, predictions)),
    }
    return _drawn(views)


def index_figures(studies: Sequence[StudyResults]) -> dict[str, Figure | Absent]:
    """The figures over several studies, by key: `cost-accuracy` and `curves-side-by-side`."""
    return _drawn(
        {
            "cost-accuracy": ("Cost against accuracy", partial(cost_view, studies)),
            "curves-side-by-side": ("Learning curves side by side", partial(curves_view, studies)),
        }
    )


def _drawn(views: Mapping[str, tuple[str, Callable[[], View]]]) -> dict[str, Figure | Absent]:
    figures: dict[str, Figure | Absent] = {}
    for key, (title, make) in views.items():
        try:
            view = make()
        except NoView as none:
            figures[key] = Absent(key, title, str(none))
            continue
        plot = draw_plot(view.chart, narrow=view.narrow)
        figures[key] = Figure(key, view.title, view.alt, view.caption, plot, partial(_picture, view.chart, view.title))
    return figures


def _picture(chart: Chart, title: str) -> Picture:
    # matplotlib takes half a second to import, and the HTML report draws no picture.
    from hpstudy.report.drawing.pictures import draw_picture  # noqa: PLC0415

    return draw_picture(chart, title=title)
