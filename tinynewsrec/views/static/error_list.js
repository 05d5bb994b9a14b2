// Quadrant and list of impressions.
const MARKS = { both: "✓ ✓", teacher: "✓ ✗", student: "✗ ✓", neither: "✗ ✗" };

function change(values) {
  act("set", { page: 0, ...values });
}

function settings({ words, common, options, choices }) {
  const models = choices.models.map(([name, role]) => [name, name === common.roles[role] ? name : `${name} (${common.roles[role]})`]);
  const rules = choices.rules.map((name) => [name, words.rules[name]]);
  const depths = [2, 3, 5, 10, choices["most k"]].map((k) => [k, String(k)]);
  return make(
    "div",
    "controls",
    select(words["teacher model"], models, options.teacher, (teacher) => change({ teacher })),
    select(words["student model"], models.filter(([name]) => name !== options.teacher), options.student, (student) => change({ student })),
    select(words.rule, rules, options.rule, (rule) => change({ rule })),
    options.rule === "top" ? select(words.k, depths, options.k, (k) => change({ k })) : "",
  );
}

function chips({ words, slice, options }) {
  const without = (condition) => change({ slice: options.slice.filter((other) => other !== condition) });
  const conditions = slice.conditions.map(({ text, condition }) => [text, () => without(condition)]);
  if (slice.stories) conditions.push([counted(slice.stories, words["chosen stories"]), () => change({ stories: [] })]);
  const shown = conditions.map(([text, drop]) =>
    labelled(button(`${text} ×`, drop, { key: `drop:${text}`, kind: "choice" }), "aria-label", fill(words.remove, { text })),
  );
  const all = button(words.clear, () => change({ slice: [], stories: [] }), { key: "clear" });
  return [
    make("p", "actions", make("span", "label", words.slice), shown.length ? shown : words.everything, ` n = ${number(slice.impressions)}`, shown.length ? all : ""),
    slice.unknown.length ? note(fill(words.unknown, { conditions: slice.unknown.join(", ") }), "message") : "",
    slice.small && slice.impressions ? note(fill(words.small, { n: slice.impressions, fewest: slice.fewest }), "message") : "",
  ];
}

function counted(count, nouns) {
  return fill(nouns[count === 1 ? "one" : "many"], { n: number(count) });
}

function cell(value, name) {
  const { words, options, quadrant, slice } = value;
  const count = quadrant.counts[name];
  const share = fill(words.share, { share: number((100 * count) / slice.impressions, 1) });
  const label = make("span", "", make("span", "mark-of", MARKS[name]), make("strong", "", number(count)), make("span", "layers", share));
  const made = button(label, () => change({ cell: name }), { key: `cell:${name}`, kind: "cell", pressed: options.cell === name });
  return labelled(made, "aria-label", `${fill(words.cells[name], options)}: ${counted(count, words.counted)}, ${share}`);
}

function quadrantTable(value) {
  const { words, options, slice } = value;
  const head = (key, model) => fill(words[key], { model });
  const columns = [{ name: words.quadrant }, { name: head("is right", options.student) }, { name: head("is wrong", options.student) }];
  const rows = [
    [head("is right", options.teacher), cell(value, "both"), cell(value, "teacher")],
    [head("is wrong", options.teacher), cell(value, "student"), cell(value, "neither")],
  ];
  const made = table(fill(words["quadrant caption"], { n: number(slice.impressions) }), columns, rows);
  return make("div", "quadrant", heading(words.quadrant), made);
}

function summary({ words, options, quadrant, slice }) {
  const [[first], [second]] = quadrant.right;
  const [gap, low, high] = quadrant.apart;
  const numbers = { first: number(first, 1), second: number(second, 1), gap: number(gap, 1, true), low: number(low, 1, true), high: number(high, 1, true) };
  const told = fill(words.summary, { ...options, ...numbers, n: number(slice.impressions), readers: number(slice.readers) });
  const metrics = quadrant.metrics.map(([metric, mean, ...ends]) => {
    const [gap, low, high] = [mean, ...ends].map((end) => number(end, 2, true));
    return note(fill(words.ahead, { ...options, metric, gap, low, high }), "");
  });
  return make("div", "summary", note(told, ""), note(words[low > 0 || high < 0 ? "significant" : "not significant"], "muted"), ...metrics);
}

function listed(value) {
  const { words, options, list, choices } = value;
  const sorts = choices.sorts.map((name) => [name, words.sorts[name]]);
  const betters = Object.keys(words.betters).map((name) => [name, fill(words.betters[name], options)]);
  const cells = Object.keys(words.cells).map((name) => [name, fill(words.cells[name], options)]);
  const controls = make(
    "div",
    "controls",
    select(words.list, cells, options.cell, (name) => change({ cell: name })),
    select(words.sort, sorts, options.sort, (sort) => change({ sort })),
    list.signed ? choice(words.better, betters, options.better, (better) => change({ better })) : "",
  );
  const title = heading(words.list, counted(list.total, words.counted), "·", fill(words.cells[options.cell], options));
  if (!list.total) return [title, controls, note(words["empty list"], "empty")];
  return [title, controls, tagForm(value), make("div", "errors-list", impressions(value)), pager(value), list.signed ? note(fill(words.sign, options), "source") : ""];
}

function impressions(value) {
  const { words, options, list } = value;
  const rank = (model) => ({ name: fill(words.rank, { model }) });
  const columns = [
    { name: words.impression },
    { name: words["clicked story"] },
    rank(options.teacher),
    rank(options.student),
    { name: fill(words["student's first"], options) },
    { name: words.difference, digits: ["rank of the click", "first story"].includes(options.sort) ? 0 : 2 },
    { name: words.actions },
  ];
  const rows = list.rows.map((row) => [
    opener(row, words),
    make("span", "", make("span", "headline", row.clicked.title), " ", make("span", "topic", row.clicked.category), tagsOf(value, row)),
    ...row.ranks.map((place) => fill(words.of, { rank: place, count: row.candidates })),
    make("span", "headline", row.first.title),
    row.apart,
    rowActions(row, words),
  ]);
  return table(fill(words.cells[options.cell], options), columns, rows);
}

function opener(row, words) {
  const made = button(row.impression, () => act("go", { tab: "reader", impression: row.impression }), { key: `open:${row.impression}` });
  return make("span", "item", labelled(made, "aria-label", fill(words.open, row)));
}

function rowActions(row, words) {
  const rival = row.first.id === row.clicked.id ? "" : row.first.id;
  const asked = { impression: row.impression, story: row.clicked.id, other: rival, why: { part: "clicks", above: Boolean(rival) } };
  const go = (name, tab, label) =>
    labelled(button(words[name], () => act("go", { tab, ...asked }), { key: `${tab}:${row.impression}` }), "aria-label", fill(words[label], row));
  const tag = button(words.tag, () => startTagging(row), { key: `tag:${row.impression}` });
  return make("span", "row-actions", go("why", "why", "open why"), go("what if", "whatif", "open what if"), labelled(tag, "aria-label", fill(words["tag impression"], row)));
}

function pager({ words, list }) {
  if (list.pages < 2) return "";
  const turn = (by) => act("set", { page: list.page + by });
  return make(
    "p",
    "actions",
    button(words.previous, () => turn(-1), { key: "previous", disabled: list.page === 0 }),
    fill(words.page, { page: number(list.page + 1), pages: number(list.pages) }),
    button(words.next, () => turn(1), { key: "next", disabled: list.page === list.pages - 1 }),
  );
}
