"""Tags and notes: kept in the browser, sent here only to be written to a file, read from one, or compared.

What comes of it is kept under a token that only the page that asked knows.
"""

import json
from hashlib import sha256
from typing import Any

from tinynewsrec.analysis.annotations import AnnotationError, read, to_csv, to_json
from tinynewsrec.analysis.annotators import agreement
from tinynewsrec.views.words import figure, words
from tinynewsrec.views.workspace import Workspace

WRITERS = {"csv": to_csv, "json": to_json}
MOST_DISAGREEMENTS = 50  # shown
KEY = ("errors", "notes")


def written_file(values: dict[str, Any]) -> dict[str, Any]:
    """The notes as a file. Raises KeyError for another form than those of WRITERS."""
    form = values["form"]
    return {"kind": "file", "form": form, "text": WRITERS[form](read(values["text"]))}


def read_file(values: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "notes", "rows": [annotation._asdict() for annotation in read(values["text"])]}


def compared_annotators(values: dict[str, Any]) -> dict[str, Any]:
    first, second = values["first"], values["second"]
    found = agreement(read(values["text"]), first, second)
    return {
        "kind": "agreement",
        "first": first,
        "second": second,
        **{name: getattr(found, name) for name in ("items", "kappa", "agreed", "first_only", "second_only")},
        "tags": [tag._asdict() for tag in found.by_tag],
        "disagreements": [
            {"impression": item[0], "models": list(item[1:]), "first": sorted(one), "second": sorted(other)}
            for item, one, other in found.disagreements[:MOST_DISAGREEMENTS]
        ],
        "disagreed": len(found.disagreements),
    }


ASKED = {"export": written_file, "import": read_file, "agree": compared_annotators}


def answered(workspace: Workspace, language: str, name: str, values: dict[str, Any]) -> str:
    """Does what is asked and gives the token of the answer; a fault in the notes is an answer too."""
    try:
        answer = ASKED[name](values)
    except AnnotationError as error:
        answer = {"kind": "fault", "text": fault_text(language, error)}
    token = sha256(json.dumps([name, values]).encode()).hexdigest()[:20]
    workspace.results.put((*KEY, slot(token)), answer | {"token": token, "nonce": values["nonce"]})
    return token


def slot(token: str) -> str:
    """Answers may be large, so few are kept."""
    return token[:1]


def fault_text(language: str, error: AnnotationError) -> str:
    said, (kind, number) = words(language, "errors"), error.place
    details = {
        name: figure(language, value) if isinstance(value, int) else value
        for name, value in error.details.items()
    }
    return said["fault"].format(
        place=said["places"][kind].format(number=number),
        fault=said["faults"][error.fault].format(**details),
    )


def answer_of(workspace: Workspace, token: str) -> dict[str, Any] | None:
    """None where it is not known, or not any more."""
    answer = workspace.results.get((*KEY, slot(token)))
    return answer if answer and answer["token"] == token else None
