// Which clicks a score is made of: a table whose cells are bars, and what is true of each click.
function clicksPart(value) {
  const { words, options, shown } = value;
  const said = words.clicks;
  return [
    make(
      "div",
      "controls",
      choice(said.what, [[false, said.score], [true, said.above]], options.above, (above) => act("set", { above })),
      choice(said.order, [[false, said.weightiest], [true, said.latest]], options.latest, (latest) => act("set", { latest })),
      shown.count > shown.first ? button(fill(options.whole ? said.fewer : said.all, { count: options.whole ? shown.first : shown.count }), () => act("set", { whole: !options.whole }), { key: "whole" }) : "",
    ),
    heading(options.above ? said["above title"] : said.title),
    shown.count ? "" : note(said.none),
    splitTable(value),
    shown.older ? note(fill(said.older, { n: number(shown.older) })) : "",
    note(exactness(value)),
    note(said.legend),
    ...truthParts(value),
  ];
}

function exactness({ words, models, shown }) {
  const inexact = models.filter((_, place) => !shown.models[place].exact).map(({ name }) => name);
  return inexact.length ? fill(words.clicks.inexact, { models: inexact.join(", ") }) : words.clicks.exact;
}

function splitTable(value) {
  const { words, models, shown, options } = value;
  const said = words.clicks;
  const truth = shown.truth ? [{ name: words.truth.column }] : [];
  const columns = [{ name: said.click }, ...models.map((model) => modelColumn(words, model)), ...truth];
  const bars = (values, weights = null) => values.map((one, place) => splitCell(said, one, weights?.[place], shown.largest[place]));
  const row = (name, values, weights, true_ = "") => [name, ...bars(values, weights), ...truth.map(() => true_)];
  const of = (name) => shown.models.map((model) => model[name]);
  const rest = of("rest").some((one) => one) || !shown.count;
  return table(options.above ? said["above title"] : said.title, columns, [
    ...shown.rows.map((click) => row(clickOf(said, click), click.values, click.weights, click.truth ? truthOf(words.truth, click.truth) : "")),
    ...(shown.others ? [row(fill(said.others, { n: shown.others.count }), shown.others.values)] : []),
    ...(rest ? [row(shown.count ? said.nothing : said.newcomer, of("rest"))] : []),
    ...(of("error").some((one) => one) ? [row(said.error, of("error"))] : []),
    [make("strong", "", options.above ? said.difference : said.sum), ...of("sum").map((sum) => make("strong", "", number(sum, 3, true))), ...truth.map(() => "")],
  ]);
}

function clickOf(said, { title, category, subcategory, number: back }) {
  const when = back === 1 ? said.newest : back === 2 ? said.earlier.one : fill(said.earlier.many, { n: number(back - 1) });
  return make("div", "click", make("div", "headline", title), make("div", "topic", make("span", "category", category), " · ", subcategory, " · ", when));
}

function splitCell(said, value, weight, largest) {
  if (value === null) return make("span", "muted small", said.unseen);
  const bar = make("span", `bar ${value < 0 ? "below" : "above"}`);
  bar.style.setProperty("--length", largest ? Math.min(1, Math.abs(value) / largest) : 0);
  const sign = value > 0 ? "▲" : value < 0 ? "▼" : "";
  const parts = [make("div", "amount", labelled(make("span", "sign", sign), "aria-hidden", "true"), number(value, 3, true)), labelled(make("div", "bars wide", bar), "aria-hidden", "true")];
  if (weight !== null && weight !== undefined) parts.push(attentionOf(said, weight));
  return make("div", "part", ...parts);
}

function attentionOf(said, weight) {
  const grey = make("span", "grey");
  grey.style.setProperty("--length", weight);
  return make("div", "attention", labelled(make("span", "attended", grey), "aria-hidden", "true"), unseen(`${said.attention} `), `${number(100 * weight, 1)} %`);
}

function truthOf(said, { tie, accident, interest }) {
  return make(
    "div",
    "true",
    make("div", tie === "none" ? "muted" : "", said.tie[tie]),
    make("div", "muted small", fill(said.interest, { percent: number(100 * interest, 1) })),
    accident ? make("div", "accident small", "⚠ ", said.accident) : "",
  );
}

function truthParts({ words, common, models, shown, options }) {
  if (!shown.truth) return [];
  const said = words.truth;
  const { truth } = shown;
  const beside = options.above ? [0, 1] : [0];
  const reasons = Object.keys(said.parts).filter((name) => name !== "rank");
  const utility = [
    ...reasons.map((name) => [said.parts[name], ...beside.map((place) => truth.stories[place].utility[name])]),
    [said.parts.rank, ...beside.map((place) => String(truth.stories[place].rank))],
  ];
  const recovered = models.map(({ name }, place) => {
    const { found, accidents, expected } = truth.models[place];
    return [name, ...[found, accidents, expected].map((share) => (share === null ? null : 100 * share))];
  });
  const percent = (name) => ({ name: said[name], unit: "%", digits: 0 });
  const counts = { telling: truth.telling, accidents: truth.accidents, clicks: shown.count };
  return [
    heading(said.title),
    note(said.intro),
    make(
      "div",
      "beside",
      table(said.utility, [{ name: said.part }, ...beside.map((place) => ({ name: "AB"[place], digits: 2 }))], utility, { visible: true }),
      table(said.recovered, [{ name: common.model }, percent("found"), percent("accidents"), percent("expected")], recovered, { visible: true }),
    ),
    note(fill(options.above ? said["legend above"] : said.legend, counts)),
  ];
}
