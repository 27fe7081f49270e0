"""Takes passwords of database URLs out of what is recorded or shown."""

from __future__ import annotations

import re

_CREDENTIALS = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)\S*@")
_PASSWORD_PARAMETER = re.compile(r"(?P<name>[?&](?:password|passwd|pwd)=)[^\s&]*", re.IGNORECASE)


def without_passwords(text: str) -> str:
    """The text, with `user:password@` of every URL as `***@`, and a password among a URL's parameters as `***`.

    A command that was recorded, the message of a failed trial, or a study file could hold one.
    """
    return _PASSWORD_PARAMETER.sub(r"\g<name>***", _CREDENTIALS.sub(r"\g<scheme>***@", text))
