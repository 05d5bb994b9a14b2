const MILLISECONDS = 2; // digits
const METRICS = ["AUC", "MRR", "nDCG@5", "nDCG@10"];

function settings({ options, limits, words, ready, measured }) {
  const slide = (name, step = 1) =>
    slider(words[name], { least: limits[name][0], most: limits[name][1], step, value: options[name] }, (value) => act("set", { [name]: value }));
  return make(
    "div",
    "controls",
    slide("titles"),
    slide("batch"),
    slide("rounds"),
    button(words[measured ? "measure again" : "measure"], () => run("measure"), { key: "measure", kind: "more strong", disabled: !ready }),
    ready ? "" : note(words["not ready"]),
  );
}

function interval({ value, low, high }) {
  return `${number(value, 1)} (${number(low, 1)} – ${number(high, 1)})`;
}

function known(value) {
  const { words, models, measured, options } = value;
  const columns = [
    { name: value.common.model },
    { name: words.layers, digits: 0 },
    { name: words.parameters, unit: words.millions, digits: 1 },
    { name: words.embeddings, unit: words.millions, digits: 1 },
    { name: words.memory, unit: "MB, fp32", digits: 0 },
    { name: options.quality, unit: words.interval },
  ];
  const timed = [
    { name: words.encode, unit: words.per_title, digits: MILLISECONDS },
    { name: words.quartiles, unit: "ms" },
    { name: words.least, unit: "ms", digits: MILLISECONDS },
    { name: words.tail, unit: "ms", digits: MILLISECONDS },
    { name: words.tokenise, unit: words.per_title, digits: 3 },
    { name: words.rank, unit: words.per_visit, digits: MILLISECONDS },
  ];
  const rows = models.map((model, place) => {
    const fixed = [model.name, model.layers, model.parameters / 1e6, model["word parameters"] / 1e6, model.megabytes, model.quality ? interval(model.quality) : words.unmeasured];
    if (!measured) return fixed;
    const { encoding, tokenising, ranking } = measured.models[place];
    return [...fixed, encoding.median, `${number(encoding.low, MILLISECONDS)} – ${number(encoding.high, MILLISECONDS)}`, encoding.least, encoding.p95, tokenising, ranking];
  });
  return table(words.caption, measured ? [...columns, ...timed] : columns, rows);
}

function sources({ words, models, measured, options }) {
  const lines = [];
  if (measured) {
    const { machine } = measured;
    const when = new Date(measured.when * 1000).toLocaleTimeString(props.value.language);
    lines.push(fill(words.measured, { ...measured, when, rounds: measured.rounds }));
    if (measured.rounds < measured.asked) lines.push(fill(words.stopped, measured));
    lines.push(fill(words.machine, { ...machine, load: number(machine.load, 2) }));
    if (measured.rounds < measured.tail) lines.push(fill(words["no tail"], measured));
  }
  const shared = new Map();
  models.filter(({ quality }) => quality).forEach((model) => {
    const counts = Object.entries(model["measured on"]).map(([name, found]) => [name, typeof found === "number" ? number(found) : found]);
    const line = fill(words.quality, { metric: options.quality, ...Object.fromEntries(counts) });
    shared.set(line, [...(shared.get(line) ?? []), model.name]);
  });
  shared.forEach((names, line) => lines.push(`${names.join(", ")}: ${line}`));
  if (shared.size && options.quality === "AUC") lines.push(words.chance);
  return lines.map((line) => note(line, "source"));
}

function noisy({ words, models, measured }) {
  const names = measured?.models.flatMap(({ encoding }, place) => (encoding.noisy ? [models[place].name] : [])) ?? [];
  return names.length ? note(fill(words.noisy, { models: names.join(", ") }), "message") : "";
}

const COSTS = {
  time: (model, place, measured) => measured?.models[place].encoding.median,
  parameters: (model) => model.parameters / 1e6,
  memory: (model) => model.megabytes,
};

function tradeoff(value) {
  const { words, models, measured, options, front } = value;
  const metric = choice(words.worth, METRICS.map((name) => [name, name]), options.quality, (quality) => act("set", { quality }));
  const chooser = choice(words.against, Object.keys(COSTS).map((name) => [name, words.costs[name]]), options.cost, (cost) => act("set", { cost }));
  const parts = [heading(words.tradeoff), make("div", "controls", metric, chooser)];
  if (models.some(({ quality }) => !quality)) return [...parts, note(fill(words["no quality"], { metric: options.quality }), "empty")];
  if (options.cost === "time" && !measured) return [...parts, note(words["measure first"], "empty")];
  const costs = models.map((model, place) => COSTS[options.cost](model, place, measured));
  const traces = models.map((model, place) => ({
    x: [costs[place]],
    y: [model.quality.value],
    error_y: { type: "data", symmetric: false, array: [model.quality.high - model.quality.value], arrayminus: [model.quality.value - model.quality.low] },
    mode: "markers",
    name: inert(model.name),
    marker: { size: 13, symbol: SYMBOLS[place % SYMBOLS.length], color: PALETTE[place % PALETTE.length] },
    hovertemplate: `%{x:.2f}, ${options.quality} %{y:.2f}<extra>${inert(model.name)}</extra>`,
  }));
  const line = front.flatMap((kept, place) => (kept ? [[costs[place], models[place].quality.value]] : [])).sort((one, other) => one[0] - other[0]);
  traces.unshift({ x: line.map(([x]) => x), y: line.map(([, y]) => y), mode: "lines", line: { dash: "dot", width: 2, color: "#888888" }, hoverinfo: "skip", name: words.front });
  const layout = {
    xaxis: { title: { text: words.axes[options.cost] }, rangemode: "tozero" },
    yaxis: { title: { text: `${options.quality}, ${words.interval}` } },
  };
  const columns = [{ name: value.common.model }, { name: words.axes[options.cost], digits: 2 }, { name: options.quality, unit: words.interval }];
  const twin = table(words.tradeoff, columns, models.map((model, place) => [model.name, costs[place], interval(model.quality)]));
  return [...parts, plot(words.tradeoff, traces, layout, { twin }), note(words["front note"])];
}

function budget(value) {
  const { words, models, options } = value;
  const parts = [heading(words.budget)];
  const count = (name) => textbox(words[name], String(options[name]), (text) => act("set", { [name]: Number.parseInt(text, 10) || 0 }), { go: words.set, most: 9 });
  const controls = make("div", "controls", count("stories"), count("visits"), choice(words.vectors, [[true, words.kept], [false, words["each time"]]], options.cached, (cached) => act("set", { cached })));
  if (!value.budget) return [...parts, controls, note(words["measure first"], "empty")];
  const rows = value.budget.loads.map(({ encoding, ranking, share }, place) => [models[place].name, encoding, ranking, 100 * share, share < 1 ? words.fits : words["does not fit"]]);
  const columns = [{ name: value.common.model }, { name: words.encoding, unit: words.seconds, digits: 1 }, { name: words.ranking, unit: words.seconds, digits: 1 }, { name: words.share, unit: "%", digits: 1 }, { name: words.verdict }];
  return [...parts, controls, table(words.budget, columns, rows), note(fill(words["budget note"], { candidates: number(value.budget.candidates, 1) }), "source")];
}

function fewer(value) {
  const { words, precisions, ready } = value;
  const parts = [heading(words.precisions), make("div", "controls", button(words["compare precisions"], () => run("precisions"), { disabled: !ready }))];
  if (!precisions.length) return [...parts, note(words["precisions hint"], "muted small")];
  const columns = [{ name: value.common.model }, { name: words.bits }, { name: words.encode, unit: words.per_title, digits: MILLISECONDS }, { name: words.correlation, digits: 3 }, { name: words["same top"], unit: "%", digits: 1 }, { name: "n", digits: 0 }];
  const rows = precisions.map((row) => [row.model, row.precision, row.milliseconds, row.correlation, 100 * row.same_top, row.impressions]);
  return [...parts, table(words.precisions, columns, rows), note(fill(words["precisions note"], { ...precisions[0], data: value.data }), "source")];
}

function where(value) {
  const { words, parts, ready } = value;
  const shown = [heading(words.parts), make("div", "controls", button(words["find parts"], () => run("parts"), { disabled: !ready }))];
  if (!parts) return [...shown, note(words["parts hint"], "muted small")];
  const names = ["embeddings part", "layers part", "pooling", "projection", "rest"];
  const split = (row) => [row.embeddings, row.layers.reduce((sum, next) => sum + next, 0), row.pooling, row.projection, row.rest].map((seconds) => (1000 * seconds) / row.titles);
  const traces = names.map((name, kind) => ({ type: "bar", orientation: "h", y: parts.map(({ model }) => inert(model)), x: parts.map((row) => split(row)[kind]), name: words[name] }));
  const columns = [{ name: value.common.model }, ...names.map((name) => ({ name: words[name], unit: "ms", digits: 3 }))];
  const twin = table(words.parts, columns, parts.map((row) => [row.model, ...split(row)]));
  const layout = { barmode: "stack", xaxis: { title: { text: words.per_title } }, yaxis: { autorange: "reversed" } };
  return [...shown, plot(words.parts, traces, layout, { height: 120 + 40 * parts.length, twin }), note(fill(words["parts note"], { titles: parts[0].titles, data: value.data }), "source")];
}

function reference(value) {
  const { words, reference: rows } = value;
  if (!rows.length) return [];
  const columns = [{ name: value.common.model }, { name: words.alone, unit: "ms", digits: MILLISECONDS }, { name: fill(words.batched, rows[0]), unit: "ms", digits: MILLISECONDS }, { name: words.quartiles, unit: "ms" }];
  const cells = rows.map((row) => [row.model, row.one.median, row.batched.median, `${number(row.batched.low, MILLISECONDS)} – ${number(row.batched.high, MILLISECONDS)}`]);
  return [heading(words.reference), table(words.reference, columns, cells), note(fill(words["reference note"], { ...rows[0], ...rows[0].machine }), "source")];
}

show((value) => [
  heading(value.words.title),
  settings(value),
  noisy(value),
  known(value),
  ...sources(value),
  ...tradeoff(value),
  ...budget(value),
  ...where(value),
  ...fewer(value),
  ...reference(value),
]);
