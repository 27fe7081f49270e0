"""What a setting is called as the title of a column or a row."""

from __future__ import annotations

from hpstudy.report.views.scales import heading


def setting_title(setting: str) -> str:
    """A setting's name with a capital: `Learning rate`, `Width of lenet5`."""
    name = heading(setting)
    return name[:1].upper() + name[1:]
