"""The page: header, toolbar, a tab for each view, and the one path from what is asked to what is drawn."""

import sys
import traceback
from collections.abc import Iterator
from dataclasses import replace
from threading import Event
from typing import Any

import gradio as gr

from tinynewsrec.views import VIEWS, header, toolbar
from tinynewsrec.views.api import publish
from tinynewsrec.views.drawn import PLOTLY, drawn, sent, styles, whole
from tinynewsrec.views.rooms import Rooms
from tinynewsrec.views.sentences import told
from tinynewsrec.views.state import Page, page_from
from tinynewsrec.views.theme import Newsprint
from tinynewsrec.views.turns import Progress
from tinynewsrec.views.words import LANGUAGES, words
from tinynewsrec.views.workspace import Workspace

EVERY = 500  # milliseconds between two looks at what has become ready
MOST_WAITING = 8  # pages that wait for a slow computation, for each holds a thread of the server
LARGEST_UPLOAD = "2gb"  # of one file; MIND-large's behaviors.tsv has nearly as much
SLOW = {"show_progress": "hidden", "api_visibility": "private"}
QUICK = SLOW | {"queue": False}

Update = Any  # what Gradio takes as a new state of a component
View = Any  # a module like those of VIEWS
Views = tuple[View, ...]


def page_of(workspace: Workspace, views: Views = VIEWS) -> gr.Blocks:
    rooms = Rooms(workspace)
    with gr.Blocks(title=words("en", "header")["title"], analytics_enabled=False, fill_width=True) as app:
        page = whole(parts_of(views), [view.NAME for view in views])
        state, courier = gr.State(Page()), drawn("courier")

        def opened(request: gr.Request) -> list[Update]:
            found = with_language(page_from(str(request.query_params), views), request)
            return [found, sent(render(rooms, views, found))]

        def asked(before: Page, event: gr.EventData, request: gr.Request) -> list[Update]:
            after = followed(rooms, views, before, event.asked, request.session_hash)
            shown = render(rooms, views, after, before, event.version, idle=not event.asked)
            return [after, sent(shown | {"serial": event.serial})]

        def run(before: Page, event: gr.EventData, request: gr.Request) -> Iterator[Update]:
            view = next(view for view in views if event.view == view.NAME)
            yield from slowly(rooms, view, before, event.name, event.values, request.session_hash)

        app.load(opened, None, [state, page], **QUICK)
        page.act(asked, state, [state, page], trigger_mode="multiple", **QUICK)
        page.run(run, state, courier, trigger_mode="multiple", concurrency_limit=MOST_WAITING, **SLOW)
        publish(workspace)
    return app


def parts_of(views: Views) -> dict[str, tuple[str, ...]]:
    """The scripts that draw each part of the page."""
    tabs = {view.NAME: (*getattr(view, "SCRIPTS", ()), view.NAME) for view in views}
    frame = {"header": header.SCRIPTS, "toolbar": toolbar.SCRIPTS}
    return {"notice": ("notice",), "progress": ("progress",)} | frame | tabs


def followed(rooms: Rooms, views: Views, page: Page, asked: list[Any], session: str) -> Page:
    """The page after all that its scripts asked, in that order."""
    by_name = {view.NAME: view for view in (*views, toolbar)}
    for name, action, values in asked:
        if (name, action) == ("progress", "stop"):
            rooms.main.turns.stop(session)
        elif action != "look":
            page = answer(rooms, views, by_name[name], page, action, values)
    return page


def answer(rooms: Rooms, views: Views, view: View, page: Page, name: str, values: dict[str, Any]) -> Page:
    """The page after what a script asked; a request that cannot be met changes nothing but the notice."""
    page = replace(page, notice="", refused=())
    try:
        if name == "set":
            return page.set(view, **values)
        if name == "go":
            return go(views, page, values)
        return view.ACTIONS[name](rooms.of(page), page, values)
    except (LookupError, OSError, TypeError, ValueError) as error:
        language = page.shared.language
        return replace(page, notice=words(language, "page")["refused"].format(reason=told(language, error)))


def go(views: Views, page: Page, values: dict[str, Any]) -> Page:
    """Selects, and sets Options of other tabs: values named like a tab are its Options."""
    by_name = {view.NAME: view for view in views}
    page = page.select(**{name: value for name, value in values.items() if name not in by_name})
    for name in values.keys() & by_name.keys():
        page = page.set(by_name[name], **values[name])
    return page


def slowly(
    rooms: Rooms, view: View, page: Page, name: str, values: dict[str, Any], session: str
) -> Iterator[str | None]:
    """What the bar at the foot of the page shows, until nothing is left to show."""
    language, said = page.shared.language, words(page.shared.language, "page")

    def run(stop: Event) -> Iterator[Progress]:
        yield from view.SLOW[name](rooms.of(page), page, values, stop)

    try:
        for progress in rooms.main.turns.take(session, Progress(said["waiting"]), run):
            yield sent(progress._asdict() | {"stop": said["stop"], "language": language})
    except Exception as error:
        traceback.print_exc(file=sys.stderr)
        reason = said["failed"].format(reason=told(language, error))
        yield sent({"text": reason, "done": 0, "total": 0, "close": said["close"]})
        return
    yield None


def render(
    rooms: Rooms, views: Views, page: Page, before: Page | None = None, seen: int = -1, idle: bool = False
) -> dict[str, Any]:
    """What must be drawn anew where `before` was shown, in version `seen`; if idle, what has become ready."""
    workspace = rooms.of(page)
    finished, version = workspace.finished, workspace.version  # before anything of it is read
    fresh, parts = version != seen, {}
    if fresh or not finished or (before.shared.language, before.room) != (page.shared.language, page.room):
        parts["header"] = header.payload(workspace, page)
    if fresh or not idle:
        parts["toolbar"] = toolbar.payload(workspace, page, views)
        parts["notice"] = notice_of(page)
        here = [view for view in views if page.shared.tab == view.NAME]  # others are drawn when turned to
        parts |= {view.NAME: value_of(workspace, view, page) for view in here}
    return {"version": version, "again": 0 if finished else EVERY, "parts": parts}


def notice_of(page: Page) -> dict[str, Any]:
    said = words(page.shared.language, "page")
    parts = [said["link"].format(parts=", ".join(page.refused))] if page.refused else []
    return {"texts": [*parts, *([page.notice] if page.notice else [])]}


def value_of(workspace: Workspace, view: View, page: Page) -> dict[str, Any]:
    """What the view's script draws: its payload and its words."""
    language = page.shared.language
    said = {"language": language, "words": words(language, view.NAME), "common": words(language, "common")}
    if workspace.split is None:
        return said | {"empty": said["common"]["no data" if workspace.finished else "data awaited"]}
    try:
        return said | view.payload(workspace, page)
    except Exception as error:
        traceback.print_exc(file=sys.stderr)
        return said | {"empty": said["common"]["failed"].format(reason=told(language, error))}


def warm(workspace: Workspace, views: Views = VIEWS) -> None:
    """Loads, then draws each tab once, for nobody: who opens it first waits for no import and no count."""
    workspace.start().join()
    for view in views:
        sent(render(workspace.rooms, views, Page().select(tab=view.NAME)))


def with_language(page: Page, request: gr.Request) -> Page:
    """The browser's, for who comes without a link of ours; such a link names any but English."""
    wanted = request.headers.get("accept-language", "")[:2]
    if {"language", "v"} & request.query_params.keys() or wanted not in LANGUAGES:
        return page
    return replace(page, shared=replace(page.shared, language=wanted))


def launch_settings(mcp: bool = False) -> dict[str, Any]:
    """What Gradio takes at launch rather than when the page is built."""
    gr.set_static_paths([PLOTLY])
    return {
        "theme": Newsprint(),
        "css_paths": styles(),
        "footer_links": ["api"],
        "run_history": False,
        "show_error": False,
        "state_session_capacity": 200,
        "max_file_size": LARGEST_UPLOAD,
        "ssr_mode": False,
        "mcp_server": mcp,
    }
