const view = { all: false, reader: null };

function topic({ category, subcategory }) {
  return make("span", "topic", make("span", "category", category), subcategory && ` · ${subcategory}`);
}

function more(value, redraw) {
  if (value.stories.length <= value.latest) return "";
  const count = view.all ? value.latest : value.stories.length;
  const button = make("button", "more", value[view.all ? "top" : "all"].replace("{count}", count));
  button.onclick = () => {
    view.all = !view.all;
    redraw();
    page.querySelector("button.more").focus();
  };
  return button;
}

function draw(value) {
  if (view.reader !== value.reader) Object.assign(view, { reader: value.reader, all: false });
  const shown = value.stories.slice(0, view.all ? undefined : value.latest);
  const items = shown.map((story) => make("li", "", make("p", "headline", story.title), topic(story)));
  return [
    make("h2", "", value.title, " ", make("span", "muted", value.count)),
    make("p", "muted small", [value.reader, value.time, items.length ? value.order : ""].filter(Boolean).join(" · ")),
    items.length ? labelled(make("ol", "stories", ...items), "aria-label", value.title) : make("p", "empty", value.empty),
    more(value, () => page.replaceChildren(...draw(value))),
    value.older && make("p", "muted small", value.older),
  ].filter(Boolean);
}

show(draw);
