function shift(places, value) {
  const { words, ranking } = value;
  const direction = places > 0 ? "up" : places < 0 ? "down" : "same";
  const sign = { up: "▲", down: "▼", same: "=" }[direction];
  const spoken = fill(words[direction], { places: Math.abs(places), model: ranking.models[0].name });
  const drawn = labelled(make("span", "", sign + (places ? Math.abs(places) : "")), "aria-hidden", "true");
  return make("span", `shift ${direction}`, drawn, unseen(spoken));
}

function score(standardised) {
  const size = Math.abs(standardised) < 0.05 ? 0 : standardised;
  const bar = make("span", standardised >= 0 ? "bar above" : "bar below");
  bar.style.setProperty("--length", Math.min(Math.abs(standardised), 3) / 3);
  return make("span", "score", make("span", "bars", bar), make("span", "", number(size, 1, true)));
}

function cell(candidate, model, value) {
  const { sort } = value.ranking;
  const moved = model > 0 ? shift(candidate.shifts[model], value) : "";
  return make("td", model === sort ? "sorted" : "", make("span", "rank", String(candidate.ranks[model]), moved), score(candidate.scores[model]));
}

function storyParts(candidate, value) {
  const { words, common, tabs } = value;
  const mark = candidate.clicked ? make("span", "mark", `✓ ${common.clicked}`) : candidate.typed ? make("span", "mark typed", words.yours) : "";
  const why = tabs.includes("why") && button(words.why, () => act("go", { tab: "why", story: candidate.id }), { key: `why:${candidate.id}`, kind: "link" });
  if (why) labelled(why, "aria-label", `${words.why} ${candidate.title}`);
  const forget = () => act("drop", { place: Number(candidate.id.slice(1)) - 1 });
  const drop = candidate.typed ? labelled(button("×", forget, { key: `drop:${candidate.id}`, kind: "more small" }), "aria-label", fill(words.remove, candidate)) : "";
  return [make("p", "headline", candidate.title), make("p", "under", mark, candidate.category ? topic(candidate) : "", why || "", drop)];
}

function storyCell(candidate, value) {
  return labelled(make("th", "story", ...storyParts(candidate, value)), "scope", "row");
}

function rankingHead(value) {
  const { words, common, ranking } = value;
  const columns = ranking.models.map(({ name, layers }, place) => {
    const label = make("button", "sort", make("span", "name", name), make("span", "layers", plural(words.layers, layers)));
    keyed(label, `sort:${name}`).onclick = () => act("set", { sort: name });
    label.title = fill(words.sort, { model: name });
    const made = labelled(make("th", place === ranking.sort ? "sorted" : "", label), "scope", "col");
    if (place === ranking.sort) made.setAttribute("aria-sort", "ascending");
    return made;
  });
  return make("thead", "", make("tr", "", labelled(make("th", "story", common.story), "scope", "col"), ...columns));
}

// A table scrolls in its own box where it is wider than the page.
function wide(made, value) {
  made.style.setProperty("--models", value.ranking.models.length);
  const label = made.caption.textContent;
  return labelled(labelled(labelled(make("div", "scroller", made), "tabindex", "0"), "role", "region"), "aria-label", label);
}

function inOrder({ ranking }) {
  return [...ranking.candidates].sort((one, other) => one.ranks[ranking.sort] - other.ranks[ranking.sort]);
}

// The first ones of the list, or all; one's own headlines are always in sight.
function inSight(value) {
  const { options, ranking } = value;
  return inOrder(value).filter((candidate) => options.whole || candidate.typed || candidate.ranks[ranking.sort] <= ranking.top);
}

function hidden(value) {
  const { words, ranking, options } = value;
  const ranks = inOrder(value).filter(({ clicked }) => clicked).map((candidate) => candidate.ranks[ranking.sort]).filter((rank) => rank > ranking.top);
  if (options.whole || !ranks.length) return "";
  return make("span", "muted", fill(words.hidden, { top: ranking.top, model: ranking.models[ranking.sort].name, ranks: ranks.join(", ") }));
}

function moreCandidates(value) {
  const { words, ranking, options } = value;
  const count = ranking.candidates.length;
  if (count <= ranking.top) return "";
  return button(options.whole ? fill(words.top, { count: ranking.top }) : fill(words.all, { count }), () => act("set", { whole: !options.whole }), { key: "whole" });
}

function metrics(value) {
  const { words, ranking, options } = value;
  if (!ranking.metrics.length) return "";
  const caption = make("caption", "", words.metrics);
  const names = ranking.models.map(({ name }) => labelled(make("th", "", make("span", "name", name)), "scope", "col"));
  const written = (row, place) => {
    const before = row.before[place];
    const changed = options.diversity > 0 && before !== row.values[place];
    return [number(row.values[place], row.digits), changed ? make("span", "layers", fill(words.before, { value: number(before, row.digits) })) : ""];
  };
  const rows = ranking.metrics.map((row) =>
    make("tr", "", labelled(make("th", "story", row.name), "scope", "row"), ...row.values.map((_, place) => make("td", "", ...written(row, place)))),
  );
  const head = make("thead", "", make("tr", "", make("td", "story"), ...names));
  return wide(make("table", "ranking metrics", caption, head, make("tbody", "", ...rows)), value);
}

function typing(value) {
  return textbox(value.words.headline, "", (text) => act("headline", { text }), { go: value.words.rank, placeholder: value.words["headline hint"] });
}

function diversity(value) {
  const { words, options } = value;
  const made = slider(words.diversity, { least: 0, most: 1, step: 0.1, value: options.diversity, digits: 1 }, (chosen) => act("set", { diversity: chosen }));
  made.title = words["diversity hint"];
  return made;
}

function unranked(value) {
  const { words, ranking, finished } = value;
  const stories = ranking.candidates.map((candidate) => make("li", "", ...storyParts(candidate, value)));
  return [note(words[finished ? "not ranked" : "not ranked yet"], "muted"), make("ol", "stories", ...stories)];
}

function rankingTable(value) {
  const caption = make("caption", "unseen", value.words.caption);
  const rows = inSight(value).map((candidate) =>
    make(
      "tr",
      `item ${candidate.clicked ? "clicked" : candidate.typed ? "own" : ""}`,
      storyCell(candidate, value),
      ...value.ranking.models.map((_, model) => cell(candidate, model, value)),
    ),
  );
  return wide(make("table", "ranking", caption, rankingHead(value), make("tbody", "", ...rows)), value);
}

function sourceOf(value) {
  const { words, common, source, ranking, edited, invented, options } = value;
  const clicked = ranking.clicked === null ? words["clicks unknown"] : plural(words.clicked, ranking.clicked);
  const parts = [
    `${fill(common.source, source)}, ${plural(words.candidates, source.candidates)}, ${clicked}.`,
    edited ? fill(words["edited source"], source) : "",
    options.diversity > 0 && ranking.models.length ? fill(words["diversity source"], { diversity: number(options.diversity, 1) }) : "",
    ranking.metrics.length ? fill(words["metrics source"], { model: ranking.models[0].name }) : "",
    invented ? common.invented : "",
  ];
  return note(parts.filter(Boolean).join(" "), "source");
}

function candidates(value) {
  const { words, ranking } = value;
  const some = ranking.models.length > 0;
  return [
    heading(words.title, plural(words.candidates, ranking.candidates.length)),
    some ? make("div", "controls", typing(value), diversity(value)) : "",
    ...(some ? [rankingTable(value), make("p", "actions", moreCandidates(value), hidden(value)), metrics(value)] : unranked(value)),
    ranking.gap ? note(words.gaps[ranking.gap], "empty") : "",
    ranking.undecided.length ? note(fill(words.undecided, { models: ranking.undecided.join(", ") }), "empty") : "",
    some ? note(fill(words.legend, { reference: ranking.models[0].name }), "muted small legend") : "",
    sourceOf(value),
  ];
}
