"""The page: header, toolbar, a tab for each view, and the one path from what is asked to what is drawn."""

import sys
import traceback
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from threading import Event
from typing import Any

import gradio as gr

from tinynewsrec.views import VIEWS, header, toolbar
from tinynewsrec.views.api import publish
from tinynewsrec.views.drawn import PLOTLY, drawn, styles
from tinynewsrec.views.rooms import Rooms
from tinynewsrec.views.state import Page, page_from
from tinynewsrec.views.theme import Newsprint
from tinynewsrec.views.turns import Progress
from tinynewsrec.views.words import LANGUAGES, words
from tinynewsrec.views.workspace import Workspace

AT_ONCE, EVERY = 0.05, 0.5  # seconds to the first look at what is ready, and between two later ones
MOST_WAITING = 8  # pages that wait for a slow computation, for each holds a thread of the server
LARGEST_UPLOAD = "2gb"  # of one file; MIND-large's behaviors.tsv has nearly as much
QUICK = {"show_progress": "hidden", "queue": False, "api_visibility": "private"}

Update = Any  # what Gradio takes as a new state of a component
View = Any  # a module like those of VIEWS
Views = tuple[View, ...]


def page_of(workspace: Workspace, views: Views = VIEWS) -> gr.Blocks:
    rooms = Rooms(workspace)
    with gr.Blocks(title=words("en", "header")["title"], analytics_enabled=False, fill_width=True) as app:
        state, version, timer = gr.State(Page()), gr.State(-1), gr.Timer(AT_ONCE, active=False)
        settled = gr.State(False)
        top, tools, notice = drawn("header"), drawn(*toolbar.SCRIPTS), drawn("notice")
        with gr.Tabs() as tabs:
            drawings = [tab_of(view) for view in views]
        foot = drawn("progress")
        names, bodies = [name for name, _ in drawings], [body for _, body in drawings]
        shown = [state, version, timer, tabs, top, tools, notice, *names, *bodies]

        def opened(request: gr.Request) -> list[Update]:
            page = with_language(page_from(str(request.query_params), views), request)
            return render(rooms, views, page)

        app.load(opened, None, shown, **QUICK)
        looked = [version, timer, top, tools, *bodies]
        timer.tick(partial(refresh, rooms, views), [state, version], looked, **QUICK)
        for view, (name, body) in zip(views, drawings, strict=True):
            turned = [settled, *shown]
            name.select(partial(turn_to, rooms, views, view, len(shown)), [state, settled], turned, **QUICK)
            wire_actions(rooms, views, view, body, state, shown)
            wire_runs(rooms, views, view, body, state, shown, foot)
        wire_actions(rooms, views, toolbar, tools, state, shown)
        wire_stop(rooms, foot)
        publish(workspace)
    return app


def tab_of(view: View) -> tuple[gr.Tab, gr.HTML]:
    with gr.Tab(words("en", view.NAME)["tab"], id=view.NAME) as name:
        return name, drawn(*getattr(view, "SCRIPTS", ()), view.NAME)


def wire_actions(
    rooms: Rooms, views: Views, view: View, body: gr.HTML, state: gr.State, shown: list[Any]
) -> None:
    def asked(page: Page, event: gr.EventData) -> list[Update]:
        return render(rooms, views, answer(rooms, views, view, page, event.name, event.values), page)

    body.act(asked, state, shown, trigger_mode="always_last", **QUICK)  # by default it would drop the later


def wire_runs(
    rooms: Rooms,
    views: Views,
    view: View,
    body: gr.HTML,
    state: gr.State,
    shown: list[Any],
    foot: gr.HTML,
) -> None:
    def asked(page: Page, event: gr.EventData, request: gr.Request) -> Iterator[Update]:
        yield from slowly(rooms, view, page, event.name, event.values, request.session_hash)

    def again(page: Page) -> list[Update]:
        return render(rooms, views, page, page)

    body.run(
        asked, state, foot, show_progress="hidden", concurrency_limit=MOST_WAITING, api_visibility="private"
    ).then(again, state, shown, **QUICK)


def wire_stop(rooms: Rooms, foot: gr.HTML) -> None:
    def stop(event: gr.EventData, request: gr.Request) -> Update:
        rooms.main.turns.stop(request.session_hash)
        return None if event.name == "close" else gr.skip()

    foot.act(stop, None, foot, **QUICK)


def answer(rooms: Rooms, views: Views, view: View, page: Page, name: str, values: dict[str, Any]) -> Page:
    """The page after what a script asked; a request that cannot be met changes nothing but the notice."""
    page = replace(page, notice="", refused=())
    try:
        if name == "set":
            return page.set(view, **values)
        if name == "go":
            return go(views, page, values)
        return view.ACTIONS[name](rooms.of(page), page, values)
    except (KeyError, TypeError, ValueError) as error:
        return replace(page, notice=words(page.shared.language, "page")["refused"].format(reason=error))


def go(views: Views, page: Page, values: dict[str, Any]) -> Page:
    """Selects, and sets Options of other tabs: values named like a tab are its Options."""
    by_name = {view.NAME: view for view in views}
    page = page.select(**{name: value for name, value in values.items() if name not in by_name})
    for name in values.keys() & by_name.keys():
        page = page.set(by_name[name], **values[name])
    return page


def slowly(
    rooms: Rooms, view: View, page: Page, name: str, values: dict[str, Any], session: str
) -> Iterator[dict[str, Any] | None]:
    """What the bar at the foot of the page shows, until nothing is left to show."""
    said = words(page.shared.language, "page")

    def run(stop: Event) -> Iterator[Progress]:
        yield from view.SLOW[name](rooms.of(page), page, values, stop)

    try:
        for progress in rooms.main.turns.take(session, Progress(said["waiting"]), run):
            yield progress._asdict() | {"stop": said["stop"], "language": page.shared.language}
    except Exception as error:
        traceback.print_exc(file=sys.stderr)
        yield {"text": said["failed"].format(reason=error), "done": 0, "total": 0, "close": said["close"]}
        return
    yield None


def turn_to(rooms: Rooms, views: Views, view: View, count: int, page: Page, settled: bool) -> list[Update]:
    """Whether the page has settled, and what is shown: `count` components.

    A browser that has just drawn the page selects the first tab by itself, maybe before the link is read:
    that is nobody's wish.
    """
    first = view is views[0]
    if page.shared.tab == view.NAME or (first and not settled):
        return [settled or first, *[gr.skip()] * count]
    return [settled, *render(rooms, views, page.select(tab=view.NAME), page)]


def refresh(rooms: Rooms, views: Views, page: Page, version: int) -> list[Update]:
    """Shows what has become ready since `version`."""
    workspace = rooms.of(page)
    finished = workspace.finished  # before anything is read, so that the last look sees it all
    seen = workspace.version
    timer = gr.update(value=EVERY, active=not finished)
    top = [header.payload(workspace, page)]
    if version == seen:
        return [seen, timer, *top, *[gr.skip()] * (1 + len(views))]
    return [seen, timer, *top, toolbar.payload(workspace, page, views), *bodies_of(workspace, views, page)]


def render(rooms: Rooms, views: Views, page: Page, before: Page | None = None) -> list[Update]:
    """The page, and what of it must be drawn anew; without `before`, all of it."""
    workspace, language, tab = rooms.of(page), page.shared.language, page.shared.tab
    finished, version = workspace.finished, workspace.version  # before anything of it is read
    same_words = before is not None and (before.shared.language, before.room) == (language, page.room)
    same_tab = before is not None and before.shared.tab == tab
    return [
        page,
        version,
        gr.update(value=EVERY, active=not finished),
        gr.skip() if same_tab else gr.update(selected=tab),
        gr.skip() if same_words else header.payload(workspace, page),
        toolbar.payload(workspace, page, views),
        notice_of(page),
        *(gr.skip() if same_words else gr.update(label=words(language, view.NAME)["tab"]) for view in views),
        *bodies_of(workspace, views, page),
    ]


def notice_of(page: Page) -> dict[str, Any]:
    said = words(page.shared.language, "page")
    parts = [said["link"].format(parts=", ".join(page.refused))] if page.refused else []
    return {"texts": [*parts, *([page.notice] if page.notice else [])]}


def bodies_of(workspace: Workspace, views: Views, page: Page) -> list[Update]:
    """The tab that is open is drawn; the others when they are turned to."""
    return [value_of(workspace, view, page) if page.shared.tab == view.NAME else gr.skip() for view in views]


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
        return said | {"empty": said["common"]["failed"].format(reason=error)}


def with_language(page: Page, request: gr.Request) -> Page:
    """A link that names no language is shown in the browser's."""
    wanted = request.headers.get("accept-language", "")[:2]
    if "language" in request.query_params or wanted not in LANGUAGES:
        return page
    return replace(page, shared=replace(page.shared, language=wanted))


def launch_settings(mcp: bool = False) -> dict[str, Any]:
    """What Gradio takes at launch rather than when the page is built."""
    gr.set_static_paths([PLOTLY])
    return {
        "theme": Newsprint(),
        "css_paths": styles(),
        "footer_links": [],
        "run_history": False,
        "show_error": False,
        "state_session_capacity": 200,
        "max_file_size": LARGEST_UPLOAD,
        "ssr_mode": False,
        "mcp_server": mcp,
    }
