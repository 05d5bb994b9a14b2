"""HTML components drawn by scripts of the folder `static`.

Gradio's templates run what they interpolate, so no text of a reader, a data set or a model goes through one:
a value travels as data, and the script writes it as text.
"""

import json
from pathlib import Path
from typing import Any

import gradio as gr
import plotly

STATIC = Path(__file__).with_name("static")
PLOTLY = Path(plotly.__file__).with_name("package_data") / "plotly.min.js"


def drawn(*scripts: str, value: Any = None) -> gr.HTML:
    """A component that `static/SCRIPT.js` draws from its value, again whenever the value changes."""
    code = [f"const PLOTLY = {json.dumps(PLOTLY.as_posix())};"]
    code += [(STATIC / f"{name}.js").read_text(encoding="utf-8") for name in ("elements", "plot", *scripts)]
    return gr.HTML(
        value,
        html_template="<div class='drawn'></div>",
        js_on_load="\n".join(code),
        apply_default_css=False,
        elem_classes=[f"drawn-{scripts[-1]}"],
    )


def styles() -> list[Path]:
    """What the page looks like: of all tabs, then of each."""
    return [STATIC / "style.css", *sorted(set(STATIC.glob("*.css")) - {STATIC / "style.css"})]
