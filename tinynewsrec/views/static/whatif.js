const LATEST = { history: 6, candidates: 12 }; // what is shown at first
const grown = new Set(); // the lists that the reader has opened

function growing(name, items, label) {
  const count = LATEST[name];
  const shown = grown.has(name) ? items : items.slice(0, count);
  const toggle = () => {
    grown.has(name) ? grown.delete(name) : grown.add(name);
    redraw();
  };
  const { words } = props.value;
  const text = grown.has(name) ? fill(words.fewer, { count }) : fill(words.all, { count: items.length });
  return [shown, items.length > count ? button(text, toggle, { key: `grow:${label}` }) : ""];
}

function chosenStories(value) {
  const { words, candidates } = value;
  const options = candidates.map(({ id, title }) => [id, title]);
  const pick = (name, place, field) => select(words[name], options, candidates[place].id, (id) => act("go", { [field]: id }));
  return make(
    "div",
    "controls stories",
    pick("story a", value.first, "story"),
    pick("story b", value.second, "other"),
    button(words.swap, () => act("swap")),
    button(words.restore, () => act("restore"), { disabled: !value.edited }),
  );
}

function icon(sign, text, key, onclick, disabled = false) {
  return labelled(button(sign, onclick, { key, kind: "more icon", disabled }), "aria-label", text);
}

function click(value, story, last) {
  const { words } = value;
  const { id, title, place, state } = story;
  const told = (name) => fill(words[name], { title });
  const ask = (kind) => () => act("edit", { kind, number: place });
  const tools = state === "gone"
    ? [button(words["put back"], () => act("add", { id, place }), { key: `back:${id}` })]
    : [
        icon("↑", told("later"), `later:${id}`, ask("later"), place === last),
        icon("↓", told("earlier"), `earlier:${id}`, ask("earlier"), place === 0),
        icon("2×", told("again"), `again:${id}`, ask("again")),
        icon("✕", told("remove"), `remove:${id}`, ask("remove")),
      ];
  const mark = state === "same" ? "" : make("span", `tag ${state}`, words.states[state]);
  const headline = make(state === "gone" ? "del" : "span", "title", title);
  return make("li", `click ${state} item`, make("div", "", headline, " ", mark, make("div", "topic small", story.category)), make("div", "edits", ...tools));
}

function history(value) {
  const { words, found, options } = value;
  const kept = value.history.filter(({ state }) => state !== "gone").length;
  const newest = [...value.history].reverse();
  const [shown, more] = growing("history", newest, words.history);
  const whole = (kind, number = 0) => button(words.edits[kind], () => act("edit", { kind, number }), { key: `edit:${kind}`, disabled: !kept });
  const box = textbox(words.add, options.search, (search) => act("set", { search }), { go: words.find });
  const offers = found.map(({ id, title }) => make("li", "", button(`+ ${title}`, () => act("add", { id }), { key: `add:${id}`, kind: "more offer" })));
  return make(
    "section",
    "editor",
    heading(words.history, fill(words["clicks"], { count: kept })),
    note(words["newest first"]),
    kept ? "" : note(words["no clicks"], "empty"),
    make("ol", "clicks", ...shown.map((story) => click(value, story, kept - 1))),
    more,
    make("div", "controls", whole("latest", 5), whole("empty"), whole("double"), whole("reverse"), whole("shuffle", 1)),
    value["same clicks"] ? note(fill(words["same clicks"], { read: value.read }), "message") : "",
    box,
    options.search && !found.length ? note(fill(words["none found"], { text: options.search })) : make("ul", "offers", ...offers),
  );
}

function diff(parts) {
  const tags = { same: "span", gone: "del", new: "ins" };
  return make("p", "diff", ...parts.flatMap(([kind, text]) => [make(tags[kind], kind, text), " "]));
}

function suggestion({ rule, old, new: fresh, title }) {
  const { words } = props.value;
  const label = fill(words[fresh ? (old ? "replace" : "insert") : "delete"], { old, new: fresh });
  return labelled(button(label, () => act("rewrite", { title }), { key: `rule:${rule}:${old}:${fresh}` }), "title", title);
}

function headline(value) {
  const { words } = value;
  const { original, now, diff: parts, suggestions } = value.headline;
  const groups = Map.groupBy ? Map.groupBy(suggestions, ({ rule }) => rule) : grouped(suggestions);
  const rows = [...groups].map(([rule, found]) => make("div", "rule", make("span", "label", words.rules[rule]), ...found.map(suggestion)));
  const changed = original !== now;
  return make(
    "section",
    "editor",
    heading(words.headline),
    textbox(words["new headline"], now, (title) => act("rewrite", { title }), { go: words.apply, most: 250, multiline: true }),
    changed ? diff(parts) : note(words["as published"]),
    changed ? button(words["take back"], () => act("rewrite", { title: "" })) : "",
    make("h3", "", words.suggestions),
    note(words["suggestions note"]),
    ...rows,
  );
}

function grouped(items) {
  const groups = new Map();
  items.forEach((item) => groups.set(item.rule, [...(groups.get(item.rule) ?? []), item]));
  return groups;
}

function climb(before, after) {
  const places = before - after;
  const { words } = props.value;
  if (!places) return make("span", "shift muted", "=", unseen(words.same));
  const told = fill(words[places > 0 ? "up" : "down"], { places: Math.abs(places) });
  return make("span", `shift ${places > 0 ? "up" : "down"}`, `${places > 0 ? "▲" : "▼"} ${Math.abs(places)}`, unseen(` ${told}`));
}

function effect(value) {
  const { words, candidates, models, first, second } = value;
  const order = candidates.map((_, place) => place).sort((one, other) => candidates[one].after[0] - candidates[other].after[0]);
  const watched = order.filter((place) => place === first || place === second);
  const [shown, more] = growing("candidates", order, words.effect);
  const places = [...shown, ...watched.filter((place) => !shown.includes(place))];
  const cell = (story, model) => make("span", "change", `${story.before[model]} → `, make("strong", "", `${story.after[model]}`), " ", climb(story.before[model], story.after[model]), " ", make("span", "score", number(story.change[model], 2, true)));
  const name = (place) => {
    const story = candidates[place];
    const tags = [place === first ? "A" : "", place === second ? "B" : "", story.rewritten ? words.rewritten : "", story.typed ? words.typed : ""].filter(Boolean);
    return make("span", "", story.title, " ", story.clicked ? make("span", "mark", value.common.clicked) : "", ...tags.map((tag) => make("span", "tag", tag)));
  };
  const columns = [{ name: value.common.story }, ...models.map((model) => ({ name: model }))];
  const rows = places.map((place) => [name(place), ...models.map((_, model) => cell(candidates[place], model))]);
  return make("section", "effect", heading(words.effect), value.edited ? "" : note(words["not edited"], "message"), table(words.effect, columns, rows), more, note(words["effect note"], "source"), note(sourceOf(value), "source"));
}

function sourceOf({ words, common, source, invented }) {
  const lines = [fill(common.source, source), fill(words.counts, source), ...(invented ? [common.invented] : [])];
  return lines.map((line) => (line.endsWith(".") ? line : `${line}.`)).join(" ");
}

function flip(found, behind, unit, doit) {
  const { words } = props.value;
  if (behind) return words["behind already"];
  if (found.impossible) return fill(words.impossible[unit], { of: found.of });
  if (found.gone === null) return fill(words["not found"], { tried: found.tried });
  const count = found.gone.length;
  const sure = found.smallest ? words.smallest : fill(words["perhaps fewer"], { least: found.least });
  const list = make("ul", "gone", ...found.titles.map((title) => make("li", "", make("del", "", title))));
  return make("div", "", make("strong", "", fill(words.gone[unit], { count, of: found.of })), " ", make("span", "muted small", sure), list, button(words["do it"], doit, { key: `do:${unit}:${found.gone}` }));
}

function flips(value) {
  const { words, candidates, first, second } = value;
  const columns = [{ name: value.common.model }, { name: words["fewest clicks"] }, { name: words["fewest words"] }];
  const rows = value.flips.map(({ model, behind, clicks, words: dropped }) => [
    model,
    flip(clicks, behind, "clicks", () => act("remove", { places: clicks.gone })),
    dropped || behind ? flip(dropped, behind, "words", () => act("rewrite", { title: dropped.left })) : words["not searched"],
  ]);
  return [
    heading(words.flips),
    note(fill(words["flips note"], { a: candidates[first].title, b: candidates[second].title }), "small"),
    make("div", "controls", button(words["search words"], () => run("words"))),
    table(words.flips, columns, rows),
    note(words["flips source"], "source"),
  ];
}

const DASHES = ["solid", "dash", "dot", "dashdot"];

function sweep(value) {
  const { words, options, sweep: found } = value;
  const kind = options.curve;
  const chooser = choice(words.curve, Object.keys(words.curves).map((name) => [name, words.curves[name]]), kind, (curve) => act("set", { curve }));
  const parts = [heading(words.sweep), make("div", "controls", chooser)];
  if (found.models.some((model) => model[kind] === null)) return [...parts, note(words["no auc"], "empty")];
  const lengths = found.lengths.map((length, place) => (place === found.lengths.length - 1 ? fill(words.whole, { count: length }) : String(length)));
  const lowest = Math.max(...found.models.flatMap(({ rank }) => rank));
  const traces = found.models.map((model, place) => ({
    x: lengths,
    y: model[kind],
    mode: "lines+markers",
    name: inert(model.model),
    line: { color: PALETTE[place % PALETTE.length], dash: DASHES[place % DASHES.length] },
    marker: { size: 9, symbol: SYMBOLS[place % SYMBOLS.length] },
  }));
  const layout = {
    xaxis: { title: { text: words["latest clicks"] }, type: "category" },
    yaxis: { title: { text: words.curves[kind] }, ...(kind === "rank" ? { range: [lowest + 0.5, 0.5] } : {}) },
  };
  const digits = { rank: 0, agreement: 2, auc: 1 }[kind];
  const columns = [{ name: value.common.model }, ...lengths.map((name) => ({ name, digits }))];
  const twin = table(words.sweep, columns, found.models.map((model) => [model.model, ...model[kind]]));
  return [...parts, plot(`${words.sweep}: ${words.curves[kind]}`, traces, layout, { height: 340, twin }), note(fill(words["sweep note"], { ...value.source, read: value.read, title: value.candidates[value.first].title }), "source")];
}

function testCell(value, test, model, cell) {
  if (!cell) return "–";
  if (!cell.n) return value.words["no case"];
  const text = `${cell.passed}/${cell.n}`;
  const rate = `${number((100 * cell.passed) / cell.n)} % (${number(cell.low)}–${number(cell.high)})`;
  const failed = cell.n - cell.passed;
  const open = value.options.test === test && value.options.model === model;
  const label = fill(value.words.failures, { failed });
  const opener = labelled(button(label, () => act("set", open ? { test: "", model: "" } : { test, model }), { key: `fail:${test}:${model}`, pressed: open }), "aria-label", `${label}: ${value.words.tests[test]}, ${model}`);
  return make("div", "tested", make("strong", "", failed ? "✗ " : "✓ ", text), " ", make("span", "score", rate), failed ? opener : "");
}

function failing(value) {
  const { words, options } = value;
  const { failures } = value.tests;
  if (!failures.length) return [];
  const columns = [{ name: words.reader }, { name: words.what }, { name: words.moved, digits: 1 }, { name: words.candidates, digits: 0 }, { name: "" }];
  const rows = failures.map((row) => [
    `${row.reader}, ${row.impression}`,
    row.changed ? make("div", "", make("del", "", row.title), " ", make("ins", "", row.changed)) : words.tests[options.test],
    row.moved,
    row.candidates,
    labelled(button(words.open, () => act("open", { test: options.test, row: row.row }), { key: `open:${row.row}` }), "aria-label", `${words.open}: ${row.reader}, ${row.impression}`),
  ]);
  const title = fill(words["failing title"], { test: words.tests[options.test], model: options.model });
  return [make("h3", "", title), table(title, columns, rows)];
}

function tests(value) {
  const { words, options, models } = value;
  const { limits, rows, measured, data } = value.tests;
  const slide = (name, step) => slider(words[name], { least: limits[name][0], most: limits[name][1], step, value: options[name] }, (chosen) => act("set", { [name]: chosen }));
  const seed = textbox(words.seed, String(options.seed), (text) => act("set", { seed: Number.parseInt(text, 10) || 0 }), { go: words.set, most: 4 });
  const controls = make("div", "controls", slide("readers", 10), slide("tolerance", 5), seed, button(words["run tests"], () => run("tests"), { kind: "more strong" }));
  const parts = [heading(words.behaviour), note(words["behaviour note"], "small"), controls];
  if (!measured) return [...parts, note(words["not tested"], "empty")];
  const columns = [{ name: words.test }, { name: words.expected }, ...models.map((name) => ({ name, unit: words.interval }))];
  const cells = rows.map(({ test, expects, cells: found }) => [
    words.tests[test],
    make("span", "small", words.changes[test], " ", fill(words.expects[expects], { tolerance: options.tolerance })),
    ...found.map((cell, place) => testCell(value, test, models[place], cell)),
  ]);
  return [...parts, table(words.behaviour, columns, cells), note(fill(words["tests source"], { data, readers: options.readers, seed: options.seed }), "source"), ...failing(value)];
}

show((value) => {
  if (value.empty) return [note(value.empty, "empty")];
  return [
    heading(value.words.title),
    note(value.words.lead, "small"),
    chosenStories(value),
    make("div", "columns", make("div", "", history(value), headline(value)), effect(value)),
    ...flips(value),
    ...sweep(value),
    ...tests(value),
  ];
});
