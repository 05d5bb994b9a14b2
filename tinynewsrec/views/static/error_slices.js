// Slices by one feature with their intervals, and the search through all of them.
function withCondition(conditions, condition) {
  const feature = condition.slice(0, condition.indexOf("=") + 1);
  return [...conditions.filter((other) => !other.startsWith(feature)), condition];
}

function lookAt(value, conditions) {
  change({ slice: conditions.reduce(withCondition, value.options.slice), cell: "all" });
}

function sliced(value) {
  const { words, options, slices, choices, features } = value;
  const draws = Object.entries(words.draws);
  const controls = make(
    "div",
    "controls",
    select(words.feature, features, slices.feature, (feature) => act("set", { feature })),
    select(words.metric, choices.metrics.map((name) => [name, name]), options.metric, (metric) => act("set", { metric })),
    choice(words.draw, draws, options.drawn, (drawn) => act("set", { drawn })),
  );
  const { name, about } = words.features[slices.feature];
  const title = fill(words[options.drawn === "difference" ? "slices title" : "models title"], { ...options, feature: name });
  return [
    heading(words.slices),
    controls,
    note(about),
    sliceChart(value, title),
    note(fill(words["slices note"], value.slice), "source"),
  ];
}

function sliceChart(value, title) {
  const { words, options, slices } = value;
  const traces = options.drawn === "difference" ? gaps(value) : byModel(value);
  const axis = fill(words[options.drawn === "difference" ? "gap axis" : "model axis"], options);
  const narrow = page.offsetWidth < 560;
  const layout = {
    xaxis: { title: { text: inert(axis), font: { size: narrow ? 11 : 14 } }, zeroline: options.drawn === "difference", zerolinewidth: 2 },
    yaxis: {
      tickvals: slices.bins.map((bin, place) => place),
      ticktext: slices.bins.map((bin) => inert(fill(words[bin.small ? "mark small" : "mark"], { text: bin.text, n: number(bin.impressions) }))),
      range: [slices.bins.length - 0.5, -0.5],
      tickfont: { size: narrow ? 11 : 14 },
    },
    margin: { l: 20, r: 12, t: 40, b: 50 },
  };
  const onclick = (points) => points[0]?.customdata && lookAt(value, [points[0].customdata]);
  return plot(title, traces, layout, { height: 130 + 34 * slices.bins.length, twin: sliceTable(value, title), onclick });
}

function bars(intervals) {
  return {
    type: "data",
    symmetric: false,
    array: intervals.map(([mean, , high]) => (high ?? mean) - mean),
    arrayminus: intervals.map(([mean, low]) => mean - (low ?? mean)),
  };
}

function gaps({ words, options, slices }) {
  const signs = [
    ["teacher better", (gap) => gap > 0, 1, "triangle-right"],
    ["student better", (gap) => gap <= 0, 0, "triangle-left"],
  ];
  return signs.flatMap(([name, holds, colour, symbol]) => {
    const places = slices.bins.map((bin, place) => place).filter((place) => holds(slices.bins[place].apart[0]));
    const bins = places.map((place) => slices.bins[place]);
    const marks = bins.map(({ small }) => (small ? `${symbol}-open` : symbol));
    return dots(fill(words[name], options), bins, places, bins.map(({ apart }) => apart), PALETTE[colour], marks);
  });
}

function byModel({ slices }) {
  return slices.models.flatMap((name, model) => {
    const places = slices.bins.map((bin, place) => place + 0.16 * (model - (slices.models.length - 1) / 2));
    const symbol = SYMBOLS[model % SYMBOLS.length];
    const marks = slices.bins.map(({ small }) => (small ? `${symbol}-open` : symbol));
    return dots(name, slices.bins, places, slices.bins.map(({ values }) => values[model]), PALETTE[model % PALETTE.length], marks);
  });
}

function dots(name, bins, places, intervals, color, symbol) {
  if (!bins.length) return [];
  return [{
    type: "scatter",
    mode: "markers",
    name: inert(name),
    x: intervals.map(([mean]) => mean),
    y: places,
    error_x: { ...bars(intervals), color },
    customdata: bins.map(({ condition }) => condition),
    text: bins.map((bin, place) => inert(`${bin.text}: ${spread(intervals[place], false)}, n=${number(bin.impressions)}`)),
    hovertemplate: "%{text}<extra></extra>",
    marker: { size: 11, color, symbol },
    showlegend: true,
  }];
}

function spread([mean, low, high], signed) {
  return `${number(mean, 1, signed)} (${number(low, 1, signed)} – ${number(high, 1, signed)})`;
}

function sliceTable(value, title) {
  const { words, options, slices } = value;
  const columns = [
    { name: words.bin },
    { name: words.n, digits: 0 },
    { name: words.readers, digits: 0 },
    ...slices.models.map((name) => ({ name, unit: `${options.metric}, ${words.percent}, ${words.interval}` })),
    { name: words.difference, unit: `${words.points}, ${words.interval}` },
  ];
  const rows = slices.bins.map((bin) => [
    looker(value, bin.text, [bin.condition], bin.small),
    bin.impressions,
    bin.readers,
    ...bin.values.map((interval) => spread(interval, false)),
    spread(bin.apart, true),
  ]);
  return table(title, columns, rows);
}

function looker(value, text, conditions, small = false) {
  const made = button(small ? `${text} ⚠` : text, () => lookAt(value, conditions), { key: `look:${conditions.join()}` });
  return labelled(made, "aria-label", fill(value.words["look at"], { text }));
}

function finder(value) {
  const { words, options, search, slice } = value;
  const said = { ...options, ...slice };
  const againsts = Object.entries(words.againsts).map(([name, text]) => [name, fill(text, options)]);
  return [
    heading(words.finder),
    note(fill(words["finder about"], said)),
    make(
      "div",
      "controls",
      choice(words.against, againsts, options.against, (against) => act("set", { against })),
      button(words[search ? "find again" : "find"], () => run("search"), { key: "find", kind: "more strong" }),
    ),
    ...(search ? foundSlices(value) : []),
  ];
}

function foundSlices(value) {
  const { words, options, search } = value;
  const said = { n: number(search.found), tried: number(search.tried), rate: number(100 * search.rate) };
  if (!search.tried) return [note(words["tried none"], "empty")];
  const stopped = search.flips < search["all flips"];
  const verdict = search.found ? fill(words.found[search.found === 1 ? "one" : "many"], said) : fill(words["found none"], said);
  const columns = [
    { name: words.bin },
    { name: words.n, digits: 0 },
    { name: words.readers, digits: 0 },
    { name: words.difference, unit: `${options.metric}, ${words.points}`, digits: 2 },
    { name: words.p, digits: 4 },
    { name: words.q, digits: 3 },
    { name: words.verdict },
  ];
  const rows = search.rows.map((row) => [
    looker(value, row.text, row.conditions),
    row.impressions,
    row.readers,
    row.difference,
    row.p,
    row.q,
    row.q <= search.rate ? `✓ ${words.sure}` : `– ${words.unsure}`,
  ]);
  return [
    note(search.found > rows.length ? `${verdict} ${fill(words.listed, { shown: number(rows.length) })}` : verdict, ""),
    stopped ? note(fill(words.stopped, { done: number(search.flips), total: number(search["all flips"]) }), "message") : "",
    make("div", "found-slices", table(fill(words["finder caption"], options), columns, rows)),
    note(fill(words["finder note"], { flips: number(search.flips), rate: said.rate }), "source"),
  ];
}
