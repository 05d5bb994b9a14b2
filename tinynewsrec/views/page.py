"""The page: the header, and a tab for each view."""

from typing import Any

import gradio as gr

from tinynewsrec.views import VIEWS, header
from tinynewsrec.views.theme import STYLE, Newsprint
from tinynewsrec.views.workspace import Workspace


def page_of(workspace: Workspace) -> gr.Blocks:
    with gr.Blocks(title=header.NAME, analytics_enabled=False, fill_width=True) as app:
        header.build(workspace)
        with gr.Tabs():
            for view in VIEWS:
                with gr.Tab(view.TITLE):
                    view.build(workspace)
    return app


def launch_settings() -> dict[str, Any]:
    """What Gradio takes at launch rather than when the page is built."""
    return {
        "theme": Newsprint(),
        "css_paths": [STYLE],
        "footer_links": [],
        "run_history": False,
        "show_error": False,
        "state_session_capacity": 200,
        "ssr_mode": False,
        "mcp_server": False,
    }
