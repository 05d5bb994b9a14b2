"""HTML components drawn by scripts of the folder `static`.

Gradio's templates run what they interpolate, so no text of a reader, a data set or a model goes through one:
a value travels as data, and the script writes it as text.
"""

from pathlib import Path
from typing import Any

import gradio as gr

STATIC = Path(__file__).with_name("static")


def drawn(script: str, value: Any, **options: Any) -> gr.HTML:
    """A component that `static/{script}.js` draws from `value`, again whenever the value changes."""
    code = [(STATIC / f"{name}.js").read_text(encoding="utf-8") for name in ("elements", script)]
    return gr.HTML(
        value,
        html_template="<div class='drawn'></div>",
        js_on_load="\n".join(code),
        apply_default_css=False,
        elem_classes=[f"drawn-{script}"],
        **options,
    )


def counted(number: int, one: str, many: str) -> str:
    """A number and its noun: '1 click', '2,500 clicks'."""
    return f"{number:,} {one if number == 1 else many}"
