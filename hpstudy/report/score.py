"""How a study's objective is printed and called."""

from __future__ import annotations

import math

from hpstudy.numbers import percent
from hpstudy.report.views.scales import heading
from hpstudy.results.study import StudyResults


def score(results: StudyResults, objective: float) -> str:
    """A value of the objective: an accuracy as `91.04 %`, that of a study that plain Optuna made with six digits."""
    if results.identity:
        return percent(objective)
    return "–" if math.isnan(objective) else f"{objective:.6g}"


def setting_title(setting: str) -> str:
    """A setting's name as the title of a column or row: `Learning rate`, `Width of lenet5`."""
    name = heading(setting)
    return name[:1].upper() + name[1:]
