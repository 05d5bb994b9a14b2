"""The page is drawn by scripts of the folder `static`.

Gradio's templates run what they interpolate, so no text of a reader, a data set or a model goes through one:
a value travels as data, and the script writes it as text.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
import orjson
import plotly

STATIC = Path(__file__).with_name("static")
PLOTLY = Path(plotly.__file__).with_name("package_data") / "plotly.min.js"


def drawn(script: str, **constants: Any) -> gr.HTML:
    """A component that `static/SCRIPT.js` draws from its value; the constants are known to the script."""
    known = [f"const {name} = {json.dumps(value)};" for name, value in constants.items()]
    return gr.HTML(
        html_template=f"<div class='{script}'></div>",
        js_on_load="\n".join([*known, source(script)]),
        apply_default_css=False,
    )


def whole(parts: Mapping[str, Sequence[str]], tabs: Sequence[str]) -> gr.HTML:
    """The page of these parts, each drawn by its scripts; some of them are tabs."""
    files = {"elements", "plot"}.union(*parts.values())
    return drawn(
        "page",
        PLOTLY=PLOTLY.as_posix(),
        FILES={name: source(name) for name in sorted(files)},
        SCRIPTS=parts,
        TABS=tabs,
    )


def source(script: str) -> str:
    return (STATIC / f"{script}.js").read_text(encoding="utf-8")


def sent(value: Any) -> str:
    """A value as it travels: text, for Gradio copies and compares every leaf of anything else."""
    return orjson.dumps(value, default=list, option=orjson.OPT_SERIALIZE_NUMPY).decode()  # list: named tuples


def styles() -> list[Path]:
    """What the page looks like: of all tabs, then of each."""
    return [STATIC / "style.css", *sorted(set(STATIC.glob("*.css")) - {STATIC / "style.css"})]
