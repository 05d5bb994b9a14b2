// Two gradients in a plane, and what each strategy makes of them; the arithmetic of training/aggregators.py.
const dot = (one, other) => one[0] * other[0] + one[1] * other[1];
const plus = (one, other, times = 1) => [one[0] + times * other[0], one[1] + times * other[1]];
const without = (one, other) => plus(one, other, -dot(one, other) / dot(other, other));

function operated(main, aux, strategy) {
  if (strategy === "none" || dot(main, aux) >= 0) return [main, aux];
  if (strategy === "aux_only") return [main, without(aux, main)];
  return [without(main, aux), without(aux, main)]; // with two tasks pcgrad and mtrec are one
}

function arrow(name, [x, y], color, dash = "solid") {
  return { x: [0, x], y: [0, y], mode: "lines+markers", name, line: { color, width: 3, dash }, marker: { symbol: ["circle", "arrow"], size: [1, 14], angleref: "previous", color } };
}

function explorer(value) {
  const { words, options } = value;
  const set = (name) => (found) => act("set", { [name]: found });
  const controls = make(
    "div",
    "controls",
    choice(words.strategy, ["none", "aux_only", "mtrec", "pcgrad"].map((name) => [name, words.strategies[name]]), options.strategy, set("strategy")),
    slider(words.angle, { least: 0, most: 180, step: 5, value: options.angle }, set("angle")),
    slider(words.ratio, { least: 0.1, most: 3, step: 0.1, value: options.ratio, digits: 1 }, set("ratio")),
    slider(words.weight, { least: 0.1, most: 1, step: 0.1, value: options.weight, digits: 1 }, set("weight")),
  );
  const radians = (options.angle * Math.PI) / 180;
  const size = options.ratio * options.weight;
  const main = [1, 0];
  const aux = [size * Math.cos(radians), size * Math.sin(radians)];
  const [newMain, newAux] = operated(main, aux, options.strategy);
  const plain = plus(main, aux);
  const sum = plus(newMain, newAux);
  const shown = [
    [words.main, main, "#0072B2", "solid"],
    [words.aux, aux, "#D55E00", "solid"],
    [words["main after"], newMain, "#0072B2", "dot"],
    [words["aux after"], newAux, "#D55E00", "dot"],
    [words["plain sum"], plain, "#888888", "dash"],
    [words["sum after"], sum, "#009E73", "solid"],
  ];
  const columns = [{ name: words.vector }, { name: "x", digits: 3 }, { name: "y", digits: 3 }, { name: words.length, digits: 3 }, { name: words["along main"], digits: 3 }, { name: words["along aux"], digits: 3 }];
  const twin = table(words.surgery, columns, shown.map(([name, vector]) => [name, ...vector, Math.hypot(...vector), dot(vector, main), dot(vector, aux) / Math.hypot(...aux)]));
  const limit = Math.max(1.2, size * 1.1, Math.hypot(...plain) * 1.1);
  const layout = { xaxis: { range: [-limit, limit] }, yaxis: { range: [-limit / 3, limit], scaleanchor: "x" } };
  const verdict = dot(sum, main) <= 1e-9 ? words["main harmed"] : dot(sum, aux) < -1e-9 ? words["aux harmed"] : words["both served"];
  return [
    controls,
    plot(words.surgery, shown.map(([name, vector, color, dash]) => arrow(name, vector, color, dash)), layout, { height: 420 }),
    note(verdict),
    twin,
    note(words["surgery note"], "source"),
  ];
}
