// The map itself: all points drawn by WebGL; what stands out is drawn over them.
const LEVELS = [1.2, 0.6]; // widths of the view from which words of the next finer level are shown
const GLYPHS = ["●", "■", "◆", "▲", "✚", "★", "✖", "⬢"]; // the symbols of categories, in a line of text

// One trace for each category. Arrays are kept while nothing they depend on changes: Plotly compares them by identity.
function base(value) {
  const { space, start, end } = value.map;
  const key = [space, start, end, map.share, map.moving, value.options.colour, value.language].join();
  if (map.drawn.key === key) return map.drawn.traces;
  map.drawn.rows ??= rowsOfGroups(value);
  const far = map.points.moved.subarray(end * map.points.stories, (end + 1) * map.points.stories);
  const [from, to] = [layer(value, start), layer(value, end)];
  const along = (axis) => (row) => from[2 * row + axis] + map.share * (to[2 * row + axis] - from[2 * row + axis]);
  const byMoved = value.options.colour === "moved" && start !== end;
  const traces = value.points.groups.map(([name], group) => {
    const rows = drawnOf(map.drawn.rows[group]);
    return {
      type: "scattergl",
      mode: "markers",
      name: inert(name || value.words.others),
      x: Float32Array.from(rows, along(0)),
      y: Float32Array.from(rows, along(1)),
      customdata: rows,
      text: map.titles ? rows.map((row) => inert(map.titles[row])) : undefined,
      hovertemplate: map.titles ? "%{text}" : undefined,
      hoverinfo: map.titles ? undefined : "name",
      marker: {
        size: pointSize(),
        symbol: SYMBOLS[group],
        ...(byMoved ? { color: rows.map((row) => far[row]), coloraxis: "coloraxis" } : { color: PALETTE[group] }),
      },
    };
  });
  map.drawn = { rows: map.drawn.rows, key, traces };
  return traces;
}

function marks(value, name, rows, marker, type = "scatter") {
  if (!rows.length) return [];
  const places = rows.map((row) => shownAt(value, row));
  return [{
    type,
    mode: "markers",
    name,
    x: places.map(([x]) => x),
    y: places.map(([, y]) => y),
    customdata: rows,
    text: rows.map((row) => (map.titles ? inert(map.titles[row]) : "")),
    hovertemplate: `${name}: %{text}<extra></extra>`,
    marker,
  }];
}

// Something new: a place for each end, which the slider goes between.
function newcomer(name, { points: [start, end] }, symbol, ink) {
  const [x, y] = [0, 1].map((axis) => start[axis] + map.share * (end[axis] - start[axis]));
  const marker = { size: 20, symbol, color: "#ffffff", line: { width: 3, color: ink } };
  return { type: "scatter", mode: "markers", name, x: [x], y: [y], hovertemplate: `${name}<extra></extra>`, marker };
}

// Text on paper of its own, so that points behind it do not hide it.
function label(x, y, text, more = {}) {
  const bgcolor = getComputedStyle(document.body).getPropertyValue("--map-label").trim();
  return { x, y, text: inert(text), showarrow: false, bgcolor, borderpad: 1, font: { size: 13, weight: 700 }, ...more };
}

function labels(value) {
  const width = map.range ? map.range[1] - map.range[0] : 2.2;
  const level = LEVELS.filter((least) => width < least).length;
  const above = { yshift: 20 };
  const places = [...(value.reader ? [[value.words["the reader"], value.reader.place]] : []), ...value.typed.map((typed, place) => [`H${place + 1}`, typed])];
  const named = places.map(([name, { points: [start, end] }]) => label(...[0, 1].map((axis) => start[axis] + map.share * (end[axis] - start[axis])), name, above));
  return [...(value.map.regions[level] ?? []).map(([x, y, words]) => label(x, y, words.slice(0, 2).join(" · "), { opacity: 0.8 })), ...named];
}

function arrowsName({ words, map: about }) {
  return fill(words.arrows, { teacher: about.models[about.start].name, model: about.models[about.end].name });
}

function arrows(value, ink) {
  if (!value.options.arrows || !value.moved) return [];
  const extra = [...(value.card ? [value.card.story.row] : []), ...(value.picked?.rows.slice(0, 200) ?? [])];
  const rows = [...new Set([...extra, ...value.moved.rows])];
  const [x, y, size] = [[], [], []];
  rows.forEach((row) => {
    const [from, to] = [shownAt(value, row, 0), shownAt(value, row, 1)];
    x.push(from[0], to[0], null);
    y.push(from[1], to[1], null);
    size.push(0, 9, 0);
  });
  const marker = { symbol: "arrow", angleref: "previous", size, color: ink };
  return [{ type: "scatter", mode: "lines+markers", name: inert(arrowsName(value)), x, y, line: { width: 1, color: ink }, marker, opacity: 0.55, hoverinfo: "skip" }];
}

function outline(value, ink) {
  const { lasso } = value.options;
  if (lasso.length < 6) return [];
  const corners = [...lasso, lasso[0], lasso[1]];
  return [{ type: "scatter", mode: "lines", x: corners.filter((_, place) => place % 2 === 0), y: corners.filter((_, place) => place % 2 === 1), line: { color: ink, dash: "dot", width: 2 }, hoverinfo: "skip" }];
}

function traces(value) {
  const { words, card, reader, found, picked } = value;
  const ink = getComputedStyle(page).color;
  const open = (symbol, size, color = ink) => ({ symbol: `${symbol}-open`, size, color, line: { width: 2, color } });
  const dimmed = found || picked || value.moved === null ? 0.6 : 0.75;
  const near = card ? [...new Set(card.models.flatMap(({ neighbours }) => neighbours.map(({ row }) => row)))] : [];
  return [
    ...base(value).map((trace) => ({ ...trace, opacity: dimmed, selectedpoints: null })),
    ...marks(value, words["found mark"], found?.rows ?? [], open("circle", 12), "scattergl"),
    ...marks(value, words["picked mark"], picked?.rows ?? [], open("square", 10), "scattergl"),
    ...arrows(value, ink),
    ...marks(value, words.history, reader?.history ?? [], open("triangle-up", 14)),
    ...marks(value, words.candidates, reader?.candidates ?? [], open("diamond", 14)),
    ...marks(value, words.clicked, reader?.clicked ?? [], { symbol: "diamond", size: 14, color: ink }),
    ...marks(value, words["near mark"], near, open("circle", 16)),
    ...marks(value, words["this story"], card ? [card.story.row] : [], { symbol: "star", size: 20, color: ink, line: { width: 1, color: "#ffffff" } }),
    ...(reader ? [newcomer(words["the reader"], reader.place, "hexagram", ink)] : []),
    ...value.typed.map((typed, place) => newcomer(`H${place + 1}`, typed, "pentagon", ink)),
    ...outline(value, ink),
  ];
}

// What every point of either end needs, with room around it.
function wholeRanges(value) {
  const ends = [value.map.start, value.map.end].map((end) => layer(value, end));
  const ranges = [0, 1].map((axis) => {
    let [low, high] = [Infinity, -Infinity];
    for (const points of ends)
      for (let place = axis; place < points.length; place += 2) [low, high] = [Math.min(low, points[place]), Math.max(high, points[place])];
    return [low - 0.05 * (high - low), high + 0.05 * (high - low)];
  });
  return { "xaxis.range": ranges[0], "yaxis.range": ranges[1] };
}

function mapLayout(value) {
  const whole = wholeRanges(value);
  const bare = { visible: false, showgrid: false, zeroline: false };
  const bar = { title: { text: value.words["moved unit"] }, thickness: 12, len: 0.6 };
  return inked({
    height: map.div.clientHeight,
    dragmode: map.drag,
    hovermode: "closest",
    uirevision: `${value.points.file},${value.map.space}`,
    selections: [],
    margin: { l: 4, r: 4, t: 4, b: 4 },
    xaxis: { ...bare, range: whole["xaxis.range"] },
    yaxis: { ...bare, range: whole["yaxis.range"], scaleanchor: "x" },
    showlegend: false,
    annotations: labels(value),
    coloraxis: { colorscale: "Cividis", showscale: value.options.colour === "moved" && Boolean(value.moved), colorbar: bar },
  });
}

function symbol(glyph) {
  return labelled(make("span", "glyph", glyph), "aria-hidden", "true");
}

// What symbols mean, as text below the chart, which takes nothing of its height.
function legend(value) {
  const { words, reader, card, found, picked, typed, moved } = value;
  const coloured = value.options.colour === "category" || !moved;
  const categories = value.points.groups.map(([name, count], group) => {
    const glyph = symbol(GLYPHS[group]);
    if (coloured) glyph.style.color = PALETTE[group];
    return make("li", "", glyph, ` ${name || words.others} `, make("span", "muted", number(count)));
  });
  const marked = [
    [card, "★", words["this story"]],
    [card, "○", words["near mark"]],
    [reader, "△", words.history],
    [reader, "◇", words.candidates],
    [reader?.clicked.length, "◆", words.clicked],
    [reader, "✡", words["the reader"]],
    [typed.length, "⬠", words["own mark"]],
    [found, "◯", words["found mark"]],
    [picked, "□", words["picked mark"]],
    [moved && value.options.arrows, "➝", arrowsName(value)],
  ];
  return make("ul", "legend", ...categories, ...marked.filter(([there]) => there).map(([, glyph, name]) => make("li", "", symbol(glyph), ` ${name}`)));
}

async function drawMap() {
  const { value } = props;
  map.waiting = false;
  const Plotly = await plotly();
  if (!map.div.isConnected || !map.points || !value.points) return;
  await Plotly.react(map.div, traces(value), mapLayout(value), { displayModeBar: false, displaylogo: false, doubleClick: "reset", scrollZoom: false });
  if (map.div.wired) return;
  map.div.wired = true;
  map.div.on("plotly_click", ({ points: [point] }) => point.customdata !== undefined && act("pick", { row: point.customdata }));
  map.div.on("plotly_selected", (event) => event && act("lasso", { corners: cornersOf(event), between: map.share }));
  map.div.on("plotly_relayout", () => {
    const { range } = map.div.layout.xaxis;
    const before = map.range;
    map.range = [...range];
    if (!before || before[1] - before[0] !== range[1] - range[0]) later();
  });
}

function cornersOf({ lassoPoints, range }) {
  if (lassoPoints) return lassoPoints.x.map((x, place) => [x, lassoPoints.y[place]]);
  const [[left, right], [low, high]] = [range.x, range.y];
  return [[left, low], [right, low], [right, high], [left, high]];
}

// However often it is asked for, it is drawn once in a frame.
function later() {
  if (map.waiting) return;
  map.waiting = true;
  requestAnimationFrame(drawMap);
}

function zoom(factor) {
  const { xaxis, yaxis } = map.div.layout;
  const scaled = ([low, high]) => [(low + high) / 2 - ((high - low) / 2) * factor, (low + high) / 2 + ((high - low) / 2) * factor];
  window.Plotly.relayout(map.div, { "xaxis.range": scaled(xaxis.range), "yaxis.range": scaled(yaxis.range) });
}

function wholeMap() {
  window.Plotly.relayout(map.div, wholeRanges(props.value));
}

// The chart outlives every answer, so that it keeps its zoom and need not be built again.
function chart(title) {
  if (!map.div) {
    map.div = labelled(make("div", "plot map"), "role", "img");
    new ResizeObserver(() => fit(map.div)).observe(map.div);
    new MutationObserver(() => map.div.isConnected && later()).observe(document.body, { attributes: true, attributeFilter: ["class"] });
  }
  labelled(map.div, "aria-label", title);
  queueMicrotask(later);
  return map.div;
}
