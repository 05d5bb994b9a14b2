function taskPulls(value) {
  const { words, lines } = value;
  if (!value.model) return [note(words["no conflicts"], "empty")];
  const tasks = Object.keys(lines[0].tasks).filter((name) => name !== "main");
  const steps = lines.map(({ step }) => step);
  const named = (task) => words.tasks[task] ?? task;
  const traces = tasks.map((task, place) => ({ x: steps, y: lines.map((line) => line.tasks[task].cosine), name: named(task), mode: "lines+markers", marker: { symbol: SYMBOLS[place % SYMBOLS.length], size: 6 } }));
  traces.push({ x: [steps[0], steps.at(-1)], y: [0, 0], mode: "lines", line: { dash: "dot", color: "#888888" }, showlegend: false, hoverinfo: "skip" });
  const twin = table(words.cosines, [{ name: words.step, digits: 0 }, ...tasks.map((task) => ({ name: named(task), digits: 3 })), { name: words.removed, digits: 3 }], lines.map((line) => [line.step, ...tasks.map((task) => line.tasks[task].cosine), line.removed]));
  const share = (task) => lines.filter((line) => line.tasks[task].conflict).length;
  const summary = table(
    words["conflict share"],
    [{ name: words.task }, { name: words["in conflict"], digits: 0 }, { name: words["of steps"], digits: 0 }, { name: words["mean cosine"], digits: 3 }, { name: words["served before"], digits: 3 }, { name: words["served after"], digits: 3 }],
    ["main", ...tasks].map((task) => [named(task), task === "main" ? null : share(task), lines.length, ...["cosine", "before", "after"].map((what) => (task === "main" && what === "cosine" ? null : mean(lines.map((line) => line.tasks[task][what]))))]),
  );
  const layers = Object.keys(lines[0].layers);
  const shown = tasks.map((task) => {
    const values = layers.map((layer) => lines.map((line) => line.layers[layer]?.[task]?.cosine ?? null));
    return heat(fill(words["layers of task"], { task: named(task) }), layers.map((layer) => words.layer_names[layer] ?? layer.replace("layer", words.layer)), steps, values, { least: -1, most: 1, unit: "cos", across: words.step });
  });
  return [
    plot(words.cosines, traces, { xaxis: { title: { text: words.step } }, yaxis: { title: { text: words["cosine with main"] }, range: [-1, 1] } }, { twin }),
    summary,
    note(fill(words["conflicts note"], { model: value.model, steps: lines.length }), "source"),
    ...shown,
  ];
}

function mean(values) {
  const known = values.filter((value) => value !== null && value !== undefined);
  return known.length ? known.reduce((sum, next) => sum + next, 0) / known.length : null;
}

function adapters(value) {
  const { words, candidates } = value;
  if (!value.model) return [note(words["no adapter"], "empty")];
  const control = slider(words.scale, { least: 0, most: 2, step: 0.1, value: value.scale, digits: 1 }, (scale) => act("set", { scale }));
  const moved = (from, to) => (from === to ? "=" : to < from ? `▲${from - to}` : `▼${to - from}`);
  const order = [...candidates].sort((one, other) => one.ranks[2] - other.ranks[2]);
  const rows = order.map((story) => [
    make("span", "", story.title, story.clicked ? make("span", "mark", ` ✓ ${value.common.clicked}`) : ""),
    ...story.ranks.slice(0, 2),
    `${number(story.ranks[2])} ${moved(story.ranks[1], story.ranks[2])}`,
  ]);
  const columns = [{ name: value.common.story }, { name: words["without adapter"], digits: 0 }, { name: words["as released"], digits: 0 }, { name: fill(words["at scale"], { scale: number(value.scale, 1) }) }];
  return [
    make("div", "controls", control),
    table(words.lora, columns, rows),
    note(fill(words["lora note"], { model: value.model, rank: value.rank, parameters: number(value.parameters), whole: number(value.whole) }), "source"),
    note(fill(value.common.source, value.source), "source"),
  ];
}
