"""What a page shows: what all tabs share and what each remembers. The whole of it fits in a link.

A tab is a module of `views` with a NAME, a frozen dataclass `Options`, a function `payload(workspace, page)`
that gives what `static/NAME.js` draws, and ACTIONS, which answer what the script asks:

    def sort(workspace, page, values) -> Page: ...
    ACTIONS = {"sort": sort}        # act("sort", {model: 2}) in the script

Two actions need no code: "set" replaces fields of the tab's own Options; "go" fields of Shared (tab,
impression, story, ...) and, by {errors: {...}}, the Options of that tab. What takes long stands in SLOW:

    def measure(workspace, page, values, stop) -> Iterator[Progress]: ...   # run("measure", {...})

It yields how far it is, looks at `stop`, and leaves what it finds in `workspace.results`, from where the
payload takes it once the run ended. The page adds to every payload its language, words (of
words/LANGUAGE/NAME.json, whose key "tab" names the tab) and common (words/LANGUAGE/common.json). A payload
{"empty": text} shows that text. All values come from a browser, so all are checked here against the types of
the fields.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from math import isfinite
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints
from urllib.parse import parse_qsl, urlencode

VERSION = "1"
LONGEST_TEXT = 300  # characters of one value
MOST_VALUES = 200  # in one tuple
LONGEST_LINK = 6_000  # characters; a longer view is offered as a file

Language = Literal["en", "es"]


@dataclass(frozen=True)
class Shared:
    language: Language = "en"
    tab: str = "reader"
    impression: str = ""
    """Id of the impression that all tabs look at; empty: the first that is worth a look."""
    story: str = ""
    """Id of the candidate that is asked about; empty: the one that the teacher ranks first."""
    other: str = ""
    """Id of the candidate that it is held against; empty: the one ranked second."""
    history: tuple[str, ...] | None = None
    """Ids of the stories of an edited history, oldest first; None: the reader's own."""
    headlines: tuple[str, ...] = ()
    """Headlines that were typed in as further candidates; their ids are H1, H2, ..."""


@dataclass(frozen=True)
class Page:
    shared: Shared = Shared()
    options: Mapping[str, Any] = field(default_factory=dict)
    """The Options of each tab, by its NAME; a tab that was not touched is missing."""
    refused: tuple[str, ...] = ()
    """Parts of the link that could not be followed; said on the page."""
    room: str = ""
    """Key of the page's own workspace; empty: the one that the app was started with. In no link."""
    notice: str = ""
    """What came of the latest request, in the page's language; empty where the page shows it."""

    def of(self, view: Any) -> Any:
        """The Options of that view."""
        return self.options.get(view.NAME) or view.Options()

    def select(self, **values: Any) -> "Page":
        """With other fields of Shared; another impression drops what was chosen in the one before."""
        fresh = {"story": "", "other": "", "history": None, "headlines": ()}
        moved = values.get("impression", self.shared.impression) != self.shared.impression
        return replace(self, shared=checked(self.shared, (fresh if moved else {}) | values))

    def set(self, view: Any, **values: Any) -> "Page":
        """With other Options of that view."""
        return replace(self, options={**self.options, view.NAME: checked(self.of(view), values)})


def checked(options: Any, values: Mapping[str, Any]) -> Any:
    """The dataclass with these fields replaced. Raises ValueError for a name or value it cannot have."""
    kinds = get_type_hints(type(options))
    for name, value in values.items():
        if name not in kinds:
            raise ValueError(f"{type(options).__name__} has no {name!r}; it has {', '.join(kinds)}.")
        if not fits(value, kinds[name]):
            raise ValueError(f"{name} cannot be {str(value)[:80]!r}; expected {readable(kinds[name])}.")
    return replace(options, **{name: plain(value) for name, value in values.items()})


def fits(value: Any, kind: Any) -> bool:
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        return any(fits(value, choice) for choice in get_args(kind))
    if origin is Literal:
        return value in get_args(kind)
    if origin is tuple:
        items = get_args(kind)[0]
        return (
            isinstance(value, list | tuple)
            and len(value) <= MOST_VALUES
            and all(fits(v, items) for v in value)
        )
    if kind is str:
        return isinstance(value, str) and len(value) <= LONGEST_TEXT
    if kind in (int, float):
        number = isinstance(value, (int, float) if kind is float else int) and not isinstance(value, bool)
        return number and isfinite(value)
    return value is None if kind is type(None) else isinstance(value, kind)


def plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def readable(kind: Any) -> str:
    return str(kind).replace("typing.", "") if get_origin(kind) else kind.__name__


def query_of(page: Page, views: tuple[Any, ...]) -> str:
    """The page as a query string: what differs from a page just opened, and the version."""
    pairs = [("v", VERSION), *differences(page.shared, Shared(), "")]
    for view in views:
        pairs += differences(page.of(view), view.Options(), f"{view.NAME}.")
    return urlencode(pairs)


def differences(options: Any, defaults: Any, prefix: str) -> list[tuple[str, str]]:
    found = []
    for entry in fields(options):
        value = getattr(options, entry.name)
        if value != getattr(defaults, entry.name):
            name = prefix + entry.name
            found += (
                [(name, written(item)) for item in value]
                if isinstance(value, tuple)
                else [(name, written(value))]
            )
            found += [(name, "")] if value == () else []
    return found


def written(value: Any) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def page_from(query: str, views: tuple[Any, ...]) -> Page:
    """The page of a query string; what does not fit is left out and named in `refused`."""
    page, refused = Page(), []
    if len(query) > 2 * LONGEST_LINK:
        return replace(page, refused=("link",))
    values: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        values.setdefault(name, []).append(value)
    owners = {"": page.shared} | {view.NAME: view.Options() for view in views}
    for name, found in values.items():
        owner, _, entry = name.rpartition(".")
        if name in ("v", "view") or name.startswith("__"):  # the last two are Gradio's own
            continue
        try:
            owners[owner] = checked(
                owners[owner], {entry: read(found, get_type_hints(type(owners[owner]))[entry])}
            )
        except (KeyError, ValueError):
            refused.append(name[:40])
    if owners[""].tab not in (*owners, Shared.tab):
        owners[""] = replace(owners[""], tab=Shared.tab)
        refused.append("tab")
    return Page(owners.pop(""), owners, tuple(refused))


def read(found: list[str], kind: Any) -> Any:
    """Values of a query string as the type of a field. Raises ValueError where they are none."""
    choices = [choice for choice in get_args(kind) if choice is not type(None)] if is_union(kind) else [kind]
    kind = choices[0]
    if get_origin(kind) is tuple:
        items = get_args(kind)[0]
        return () if found == [""] else tuple(read([value], items) for value in found)
    if len(found) != 1:
        raise ValueError(f"Expected one value, found {len(found)}.")
    if kind is bool:
        return {"0": False, "1": True}[found[0]]
    return kind(found[0]) if kind in (int, float) else found[0]


def is_union(kind: Any) -> bool:
    return get_origin(kind) in (Union, UnionType)
