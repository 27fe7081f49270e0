"""What a YAML parser's complaint means, in plain words."""

from __future__ import annotations

import re

from ruamel.yaml.error import MarkedYAMLError

_FACTS: tuple[tuple[str, str], ...] = (
    (
        r"mapping values are not allowed here",
        "a colon that fits nowhere; check the indentation, and put text with a colon in quotes",
    ),
    (
        r"sequence entries are not allowed here",
        "a dash that fits nowhere; check the indentation, and put text that begins with a dash in quotes",
    ),
    (
        r"expected ',' or ']'",
        "a list that began with [ is not closed before this; add ] or a comma",
    ),
    (
        r"expected ',' or '}'",
        "a mapping that began with { is not closed before this; add } or a comma",
    ),
    (
        r"unexpected end of stream",
        "the file ends inside quotes; close them",
    ),
    (
        r"found unknown escape character '(.*)'",
        "an unknown escape \\{0} between double quotes; use single quotes, or \\\\ for a backslash",
    ),
    (
        r"found character '\\t' that",
        "a tab stands where a value begins; use a space",
    ),
    (
        r"found character '(.*)' that cannot start any token",
        "text cannot begin with {0}; put it in quotes",
    ),
    (
        r"expected <block end>, but found '(.*)'",
        "this does not line up with what stands above; check the indentation and the quotes",
    ),
    (
        r"expected chomping or indentation",
        "after | or > the text begins in the next line",
    ),
    (
        r"could not find expected ':'",
        "a key without a colon above this; write key: value",
    ),
    (
        r"expected '<document start>'",
        "this stands after the end of the study; delete it or check the brackets above",
    ),
    (
        r"YAML directive|incompatible YAML document",
        "a directive (a line that begins with %) that cannot be read; delete it",
    ),
)


def syntax_fact(error: MarkedYAMLError) -> str:
    """The parser's complaint as a fact with its repair, on one line.

    Args:
        error: What ruamel.yaml raised.

    Returns:
        A sentence of ours where the complaint is one of the usual ones, else the parser's own words.
    """
    complaint = str(error.problem or error.context or "it cannot be read")
    for pattern, fact in _FACTS:
        found = re.search(pattern, complaint, re.DOTALL)
        if found:
            groups = [ascii(group)[1:-1] for group in found.groups()]
            return "not valid YAML: " + fact.replace("{0}", groups[0] if groups else "")
    return "not valid YAML: " + ascii(" ".join(complaint.split()))[1:-1]
