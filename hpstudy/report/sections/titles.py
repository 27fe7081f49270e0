"""What a setting is called as the title of a column or a row."""

from __future__ import annotations

from hpstudy.report.views.scales import capital, setting_label


def setting_title(setting: str) -> str:
    """A setting's name with a capital: `Learning rate`, `Width of lenet5`."""
    return capital(setting_label(setting))
