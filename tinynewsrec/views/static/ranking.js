const view = { sort: 0, all: false, impression: null };

function fill(template, words) {
  return template.replace(/\{(\w+)\}/g, (_, name) => words[name]);
}

function unseen(text) {
  return make("span", "unseen", text);
}

function shift(places, value) {
  const direction = places > 0 ? "up" : places < 0 ? "down" : "same";
  const sign = { up: "▲", down: "▼", same: "=" }[direction];
  const spoken = fill(value.words[direction], { places: Math.abs(places), model: value.models[0].name });
  const drawn = labelled(make("span", "", sign + (places ? Math.abs(places) : "")), "aria-hidden", "true");
  return make("span", `shift ${direction}`, drawn, unseen(spoken));
}

function score(standardised, value) {
  const size = Math.abs(standardised).toFixed(1);
  const written = size === "0.0" ? size : (standardised > 0 ? "+" : "−") + size;
  const bar = make("span", standardised >= 0 ? "bar above" : "bar below");
  bar.style.setProperty("--length", Math.min(Math.abs(standardised), 3) / 3);
  return make("span", "score", make("span", "bars", bar), make("span", "", written));
}

function cell(candidate, model, value) {
  const made = make(
    "td",
    model === view.sort ? "sorted" : "",
    make("span", "rank", String(candidate.ranks[model]), model > 0 ? shift(candidate.shifts[model], value) : ""),
    score(candidate.scores[model], value),
  );
  return made;
}

function story(candidate, value) {
  const { title, category, subcategory } = candidate;
  const mark = candidate.clicked ? make("span", "mark", `✓ ${value.words.clicked}`) : "";
  const topic = make("span", "topic", make("span", "category", category), subcategory && ` · ${subcategory}`);
  return labelled(make("th", "story", make("p", "headline", title), make("p", "under", mark, topic)), "scope", "row");
}

function head(value, redraw) {
  const columns = value.models.map((model, place) => {
    const button = make("button", "sort", make("span", "name", model.name), make("span", "layers", model.layers));
    button.title = fill(value.words.sort, { model: model.name });
    button.onclick = () => {
      view.sort = place;
      redraw();
      page.querySelectorAll("button.sort")[place].focus();
    };
    const made = labelled(make("th", place === view.sort ? "sorted" : "", button), "scope", "col");
    if (place === view.sort) made.setAttribute("aria-sort", "ascending");
    return made;
  });
  return make("thead", "", make("tr", "", labelled(make("th", "story", value.words.story), "scope", "col"), ...columns));
}

function metrics(value) {
  if (!value.metrics.length) return "";
  const models = value.models.map((model) => labelled(make("th", "", make("span", "name", model.name)), "scope", "col"));
  const rows = value.metrics.map(({ name, values }) =>
    make(
      "tr",
      "",
      labelled(make("th", "story", name), "scope", "row"),
      ...values.map((measured) => make("td", "", measured.toFixed(1))),
    ),
  );
  const head = make("thead", "", make("tr", "", make("td", "story"), ...models));
  return wide(make("table", "ranking metrics", make("caption", "", value.words.metrics), head, make("tbody", "", ...rows)), value);
}

// A table scrolls in its own box where it is wider than the page.
function wide(table, value) {
  table.style.setProperty("--models", value.models.length);
  return labelled(make("div", "scroller", table), "tabindex", "0");
}

function hidden(value) {
  const ranks = value.candidates
    .filter((candidate) => candidate.clicked && candidate.ranks[view.sort] > value.top)
    .map((candidate) => candidate.ranks[view.sort])
    .sort((one, other) => one - other);
  if (view.all || !ranks.length) return "";
  const model = value.models[view.sort].name;
  return make("span", "muted", fill(value.words.hidden, { top: value.top, model, ranks: ranks.join(", ") }));
}

function more(value, redraw) {
  if (value.candidates.length <= value.top) return "";
  const words = value.words[view.all ? "top" : "all"];
  const button = make("button", "more", fill(words, { count: value.candidates.length }));
  button.onclick = () => {
    view.all = !view.all;
    redraw();
    page.querySelector("button.more").focus();
  };
  return button;
}

function unranked(value) {
  const stories = value.candidates.map((candidate) => make("li", "", ...story(candidate, value).childNodes));
  return [make("p", "muted", value.waiting), make("ol", "stories", ...stories)];
}

function ranked(value, redraw) {
  const order = [...value.candidates].sort((one, other) => one.ranks[view.sort] - other.ranks[view.sort]);
  const rows = order
    .slice(0, view.all ? undefined : value.top)
    .map((candidate) =>
      make(
        "tr",
        candidate.clicked ? "clicked" : "",
        story(candidate, value),
        ...value.models.map((_, model) => cell(candidate, model, value)),
      ),
    );
  const table = make(
    "table",
    "ranking",
    make("caption", "unseen", value.words.caption),
    head(value, redraw),
    make("tbody", "", ...rows),
  );
  return [wide(table, value), make("p", "actions", more(value, redraw), hidden(value)), metrics(value)].filter(Boolean);
}

function draw(value) {
  if (view.impression !== value.impression) Object.assign(view, { impression: value.impression, all: false });
  view.sort = Math.min(view.sort, Math.max(0, value.models.length - 1));
  const redraw = () => page.replaceChildren(...draw(value));
  return [
    make("h2", "", value.words.title, " ", make("span", "muted", value.count)),
    ...(value.models.length ? ranked(value, redraw) : unranked(value)),
    value.gap && make("p", "empty", value.gap),
    value.undecided && make("p", "empty", value.undecided),
    value.legend && make("p", "muted small legend", value.legend),
    make("p", "source", value.source),
  ].filter(Boolean);
}

show(draw);
