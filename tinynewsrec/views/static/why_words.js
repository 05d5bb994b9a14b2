// Which words of a headline a score is made of: a row of coloured words for each model.
function wordsPart(value) {
  const { words, options, shown, stories } = value;
  const said = words.words;
  return [
    make(
      "div",
      "controls",
      choice(said.whose, [["story", "A"], ["other", "B"]], options.title, (title) => act("set", { title })),
      choice(said.method, shown.methods.map((method) => [method, said.methods[method]]), options.method, (method) => act("set", { method })),
      options.method === "integrated" ? slider(said.steps, { least: 5, most: 100, step: 5, value: shown.steps }, (steps) => act("set", { steps })) : "",
    ),
    heading(said.title, stories[options.title === "other" ? 1 : 0].title),
    note(fill(said.about[options.method], { steps: shown.steps })),
    shown.awaited ? make("div", "actions", note(said.awaited), button(said.compute, () => run("compute"), { kind: "more primary" })) : "",
    ...rowsOfWords(value),
    ...checks(value),
  ];
}

function rowsOfWords(value) {
  const { words, models, shown } = value;
  const said = words.words;
  if (shown.awaited) return [];
  const rows = models.map((model, place) => wordRow(value, model, shown.rows[place], place));
  const cells = shown.words.map((word, at) => [word, ...shown.rows.map((row) => row?.values[at] ?? null)]);
  const columns = [{ name: said.word }, ...models.map((model) => ({ ...modelColumn(words, model), digits: 3 }))];
  return [make("div", "word-rows", ...rows), note(said.legend), details(fill(value.common.twin, { title: said.table }), table(said.table, columns, cells))];
}

function wordRow({ words, shown, models }, { name }, row, place) {
  const said = words.words;
  const label = make("div", "model", make("strong", "", name));
  if (!row) return make("div", "word-row", label, note(said.missing));
  const largest = Math.max(...row.values.map(Math.abs), 0);
  const spans = shown.words.map((word, at) => wordOf(said, word, row.values[at], largest));
  const agreement = place === 0 ? [said.first] : agreementOf(said, row, shown.top);
  label.append(make("div", "muted small", place === 0 ? "" : fill(said.agreement, { model: models[0].name }), place === 0 ? "" : ": ", agreement.join(", ")));
  return make("div", "word-row", label, make("p", "headline coloured", ...spans.flatMap((span) => [span, " "])), note(remainder(said, row)));
}

function agreementOf(said, { spearman, overlap }, top) {
  return [fill(said.spearman, { value: number(spearman, 2, true) }), fill(said.overlap, { percent: number(overlap === null ? null : 100 * overlap), top })];
}

function remainder(said, { rest, error, total }) {
  const parts = total === null ? [] : [fill(said.completeness, { total: number(total, 3, true), error: number(error, 4, true) })];
  if (Math.abs(rest) > 5e-4) parts.push(fill(said.rest, { value: number(rest, 3, true) }));
  return parts.join("; ");
}

function wordOf(said, word, value, largest) {
  if (value === undefined) return labelled(make("span", "word unread", word), "title", said.unread);
  const strength = largest ? Math.abs(value) / largest : 0;
  const made = labelled(make("span", `word ${value < 0 ? "lowers" : "raises"}`, word), "title", number(value, 3, true));
  made.style.setProperty("--strength", strength.toFixed(3));
  return made;
}

// Beyond chance by more than its spread, in the good direction, the bad one, or neither.
function verdict(value, mean, deviation, good) {
  if (value === null || mean === null) return "";
  const better = good * (value - mean);
  return better > deviation ? " ✓" : better < -deviation ? " ✗" : "";
}

function checks({ words, common, models, shown }) {
  const said = words.words;
  const good = [1, -1, 1, 1];
  const rows = models.flatMap(({ name }, place) => {
    const check = shown.checks[place];
    if (!check) return [];
    const chance = [fill(said.chance, { seeds: check.seeds }), ...check.chance.map((mean, at) => `${number(mean, 2, true)} ± ${number(check.deviation[at], 2)}`), "–"];
    const methods = Object.entries(check.methods).map(([method, values]) => [
      said.methods[method],
      ...values.slice(0, 4).map((one, at) => (method === "deletion" && at === 2 ? "–" : number(one, 2, true) + verdict(one, check.chance[at], check.deviation[at], good[at]))),
      values[4] === null ? "–" : `${number(100 * values[4], 2)} %`,
    ]);
    return [...methods, chance].map((row) => [make("span", "", name, " · ", row[0]), ...row.slice(1)]);
  });
  const columns = [{ name: common.model }, ...said.measures.map((name, at) => ({ name, unit: said.units[at] }))];
  return [
    heading(said["check title"]),
    note(said["check intro"]),
    shown.checks.every(Boolean) ? "" : make("div", "actions", button(said.check, () => run("check"), { kind: "more primary" })),
    ...(rows.length ? [table(said.checked, columns, rows), note(said["check legend"])] : []),
  ];
}
