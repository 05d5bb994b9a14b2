// Controls, the map, and the lists beside it.
function spaces(value) {
  const { words, map: about, options } = value;
  const students = about.models.slice(1).map(({ name }) => [name, name]);
  const kinds = [["shared", words.shared], ...about.models.map(({ name }) => [name, name])];
  const shared = about.space === "shared" && students.length;
  const end = about.models[about.end].name;
  return make(
    "div",
    "controls",
    select(words.space, kinds, about.space, (space) => act("set", { space })),
    shared ? select(fill(words.student, { teacher: about.models[0].name }), students, end, (student) => act("set", { student })) : "",
    shared ? between(value, end) : "",
    shared ? choice(words.colour, [["category", words["by category"]], ["moved", words["by moved"]]], options.colour, (colour) => act("set", { colour })) : "",
    shared ? button(words["arrows label"], () => act("set", { arrows: !options.arrows }), { key: "arrows", kind: "choice", pressed: options.arrows }) : "",
    button(words["reader label"], () => act("set", { reader: !options.reader }), { key: "reader", kind: "choice", pressed: options.reader }),
  );
}

// Points follow the slider at once, of very many a part of them; where it is let go is remembered.
function between(value, student) {
  const label = fill(value.words.between, { teacher: value.map.models[0].name, model: student });
  const made = slider(label, { least: 0, most: 1, step: 0.05, value: map.share, digits: 2 }, (share) => act("set", { between: share }));
  ["input", "change"].forEach((name) =>
    made.querySelector("input").addEventListener(name, (event) => {
      map.share = Number(event.target.value);
      map.moving = name === "input";
      later();
    }),
  );
  return made;
}

function tools(value) {
  const { words } = value;
  const drag = (kind) => {
    map.drag = kind;
    redraw();
  };
  return make(
    "div",
    "controls",
    choice(words.drag, [["pan", words.pan], ["lasso", words.lasso]], map.drag, drag),
    button(words["zoom in"], () => zoom(0.6), { key: "in" }),
    button(words["zoom out"], () => zoom(1 / 0.6), { key: "out" }),
    button(words["zoom all"], wholeMap, { key: "all" }),
    textbox(words.search, value.options.search, (search) => act("set", { search: search.trim(), story: "" }), { go: words.find }),
    value.options.search ? button(words["search drop"], () => act("set", { search: "" }), { key: "unsearch" }) : "",
  );
}

// What the map shows beside the points themselves, as numbers.
function twin(value) {
  const { words, card, reader, found, picked, moved } = value;
  const kinds = [
    [words["this story"], card ? [card.story.row] : []],
    [words["near mark"], card ? card.models.flatMap(({ neighbours }) => neighbours.map(({ row }) => row)) : []],
    [words.history, reader?.history ?? []],
    [words.candidates, reader?.candidates ?? []],
    [words["found mark"], found?.rows.slice(0, 200) ?? []],
    [words["picked mark"], picked?.rows.slice(0, 200) ?? []],
    [words["moved mark"], moved?.rows ?? []],
  ];
  const told = new Map();
  kinds.forEach(([kind, rows]) => rows.forEach((row) => told.set(row, (told.get(row) ?? new Set()).add(kind))));
  const far = map.points.moved.subarray(value.map.end * map.points.stories);
  const rows = [...told].map(([row, found]) => [map.titles?.[row] ?? String(row), [...found].join(", "), ...shownAt(value, row, 0), ...shownAt(value, row, 1), far[row]]);
  const [start, end] = [value.map.start, value.map.end].map((place) => value.map.models[place].name);
  const columns = [{ name: value.common.story }, { name: words.what }, ...[start, start, end, end].map((unit, place) => ({ name: place % 2 ? "y" : "x", unit, digits: 2 })), { name: words["moved unit"], digits: 2 }];
  const regions = value.map.regions.flat().map(([x, y, called, stories]) => [called.join(", "), x, y, stories]);
  return [
    table(words["twin stories"], columns, rows),
    table(words["twin regions"], [{ name: words["region words"] }, { name: "x", digits: 2 }, { name: "y", digits: 2 }, { name: words["stories in it"], digits: 0 }], regions),
  ];
}

function told(value) {
  const { words, map: about, source } = value;
  const names = about.models.map(({ name, sha256 }) => `${name} (${sha256})`).join(", ");
  const facts = { ...source, method: about.method, models: names, stories: number(value.points.stories), seed: about.seed ?? "–" };
  return [
    note(words["axes note"], "small"),
    about.method === "PCA" ? note(about.problem ? fill(words.misfit, { problem: about.problem }) : words["made now"], "message") : "",
    note(fill(words.source, facts) + (value.invented ? ` ${value.common.invented}` : ""), "source"),
  ];
}

function unmade(value) {
  const { words } = value;
  return [note(fill(words.unmade, { stories: number(value.unmade), data: value.source }), "empty"), make("p", "actions", button(words["make now"], () => run("draw"), { key: "draw" }))];
}

show((value) => {
  if (value.unmade) return unmade(value);
  map.share = value.map.start === value.map.end ? 0 : value.options.between;
  const here = loaded(value);
  const title = fill(value.words[value.map.space === "shared" ? "title shared" : "title own"], { model: value.map.models[value.map.start].name, data: value.source.data });
  return [
    heading(title, plural(value.words.stories, value.points.stories)),
    spaces(value),
    tools(value),
    make(
      "div",
      "atlas",
      make("figure", "chart", chart(title), legend(value), here ? details(fill(value.common.twin, { title }), ...twin(value)) : note(value.words.fetching)),
      make("div", "beside", ...storyCard(value), ...foundList(value), ...pickedList(value), ...typedList(value), ...movedList(value)),
    ),
    trustTable(value),
    ...told(value),
  ];
});
