function lossCurves(value) {
  const { words } = value;
  if (!value.model) return [note(words["no losses"], "empty")];
  const names = Object.keys(value.losses);
  const called = (name) => words.loss_names[name] ?? words.tasks[name] ?? name;
  const traces = names.map((name, place) => ({ x: value.steps, y: value.losses[name], name: inert(called(name)), mode: "lines", line: { color: PALETTE[place % PALETTE.length], dash: ["solid", "dash", "dot", "dashdot"][place % 4] } }));
  const columns = [{ name: words.step, digits: 0 }, ...names.map((name) => ({ name: called(name), digits: 4 }))];
  const twin = table(words.losses, columns, value.steps.map((step, place) => [step, ...names.map((name) => value.losses[name][place])]));
  const layout = { xaxis: { title: { text: words.step } }, yaxis: { title: { text: words.loss } } };
  return [
    plot(`${words.losses}: ${value.model}`, traces, layout, { twin }),
    note(fill(words["losses note"], { model: value.model, stage: value.stage, data: value["trained on"], steps: value.steps.length }), "source"),
    value.command ? make("p", "source", make("code", "", value.command)) : "",
  ];
}

function teacherWeights(value) {
  const { words } = value;
  if (!value.model) return [note(words["no teachers"], "empty")];
  const teachers = value.means[0].map((_, place) => fill(words.teacher, { number: place + 1 }));
  const last = value.means.at(-1);
  const summary = table(
    words.trust,
    [{ name: words["teacher name"] }, { name: words["mean weight"], digits: 3 }, { name: words["trusted most"], digits: 0 }],
    teachers.map((name, place) => [name, last[place], value.trusted[place]]),
  );
  const facts = fill(words["teachers note"], { model: value.model, count: value.count, step: value.steps.at(-1), effective: number(value.effective.at(-1), 2), teachers: teachers.length });
  const cases = table(
    words.cases,
    [{ name: words["clicked story"] }, { name: words.clicks, digits: 0 }, ...teachers.map((name) => ({ name, digits: 2 })), { name: words["student loss"], digits: 2 }],
    value.cases.map((row) => [row.clicked, row.clicks, ...row.weights, row.student]),
  );
  const topics = table(
    words.topics,
    [{ name: words.topic }, { name: "n", digits: 0 }, ...teachers.map((name) => ({ name, digits: 3 }))],
    value.topics.map((row) => [row.topic || words["unknown topic"], row.count, ...row.weights]),
  );
  const shown = [summary, note(facts, "source")];
  if (value.steps.length > 1) {
    const traces = teachers.map((name, place) => ({ x: value.steps, y: value.means.map((means) => means[place]), name, mode: "lines+markers", marker: { symbol: SYMBOLS[place % SYMBOLS.length] } }));
    const twin = table(words["weights by step"], [{ name: words.step, digits: 0 }, ...teachers.map((name) => ({ name, digits: 3 }))], value.steps.map((step, place) => [step, ...value.means[place]]));
    shown.push(plot(words["weights by step"], traces, { xaxis: { title: { text: words.step } }, yaxis: { title: { text: words["mean weight"] } } }, { height: 300, twin }));
  }
  return [...shown, make("h3", "", words.topics), topics, make("h3", "", words.cases), cases, note(words["cases note"], "source")];
}

function heat(title, rows, columns, values, { least, most, digits = 2, unit = "", across = "" }) {
  const trace = { type: "heatmap", x: columns, y: rows, z: values, zmin: least, zmax: most, colorscale: least < 0 ? [[0, "#D55E00"], [0.5, "#f5f5f5"], [1, "#0072B2"]] : "Cividis", text: values.map((row) => row.map((cell) => (cell === null ? "" : number(cell, digits)))), texttemplate: columns.length > 16 ? "" : "%{text}", hovertemplate: "%{y}, %{x}: %{z:.3f}<extra></extra>", colorbar: { title: { text: unit } } };
  const twin = table(title, [{ name: "" }, ...columns.map((name) => ({ name: String(name), digits }))], rows.map((name, place) => [name, ...values[place]]));
  const drawn = plot(title, [trace], { xaxis: { type: "category", title: { text: across } }, yaxis: { autorange: "reversed", type: "category" } }, { height: 140 + 34 * rows.length, twin });
  drawn.prepend(make("h3", "", title));
  return drawn;
}

function layerSimilarity(value) {
  const { words } = value;
  if (!value.pair) return [note(words["no layers"], "empty")];
  const named = (count, who) => [...Array(count - 1).keys()].map((place) => fill(words["layer of"], { who, layer: place + 1 })).concat(fill(words["vector of"], { who }));
  const rows = named(value.pair.values.length, value.teacher);
  const columns = named(value.pair.values[0].length, value.model);
  return [
    heat(fill(words["similarity of"], { teacher: value.teacher, model: value.model }), rows, columns, value.pair.values, { least: 0, most: 1, unit: "CKA" }),
    note(fill(words["layers note"], { stories: number(value.stories), data: value["measured on"], chance: number(value.pair.by_chance, 2) }), "source"),
  ];
}

function resultTables(value) {
  const { words } = value;
  if (!value.tables.length) return [note(words["no tables"], "empty")];
  const chooser = choice(words.which, value.tables.map((name) => [name, words.tables[name] ?? name]), value.table, (found) => act("set", { table: found }));
  const columns = value.columns.map((name) => ({ name: words.columns[name] ?? name }));
  const notes = value.columns.map((name) => words["column notes"][name]).filter(Boolean);
  return [make("div", "controls", chooser), table(words.tables[value.table] ?? value.table, columns, value.rows), ...[value["measured on"], words["results note"], ...notes].map((text) => note(text, "source"))];
}
