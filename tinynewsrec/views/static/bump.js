// How the ranks of the stories in sight change from model to model: a line a story. Its table is the ranking.
const SVG = "http://www.w3.org/2000/svg";
const BUMP = { row: 26, top: 30, most: 40 };
const WIDE = { label: 300, column: 130, letters: 42 };
const NARROW = { label: 150, column: 66, letters: 20 }; // a phone's

function shape(tag, attributes, ...children) {
  const made = document.createElementNS(SVG, tag);
  Object.entries(attributes).forEach(([name, found]) => made.setAttribute(name, found));
  made.append(...children);
  return made;
}

function shortened(text, letters) {
  return text.length > letters ? `${text.slice(0, letters - 1)}…` : text;
}

// Rows are places among the stories drawn; the number in a circle is the rank among all.
function rowsByModel(stories, models) {
  return models.map((_, model) => {
    const order = [...stories].sort((one, other) => one.ranks[model] - other.ranks[model]);
    return new Map(order.map((story, row) => [story, row]));
  });
}

function line(story, rows, models, value, size) {
  const x = (model) => size.label + 24 + model * size.column;
  const y = (model) => BUMP.top + 14 + rows[model].get(story) * BUMP.row;
  const points = models.map((_, model) => `${x(model)},${y(model)}`).join(" ");
  const kind = story.clicked ? "clicked" : story.typed ? "own" : "";
  const mark = story.clicked ? "✓ " : story.typed ? `${value.words.yours}: ` : "";
  const spoken = `${mark}${story.title}. ${models.map(({ name }, model) => `${name}: ${story.ranks[model]}`).join(", ")}`;
  const circles = models.flatMap((_, model) => [
    shape("circle", { cx: x(model), cy: y(model), r: 11 }),
    shape("text", { x: x(model), y: y(model) + 4, class: "place" }, String(story.ranks[model])),
  ]);
  const label = shape("text", { x: size.label, y: y(0) + 5, class: "name" }, mark + shortened(story.title, size.letters));
  return shape("g", { class: `line ${kind}` }, shape("title", {}, spoken), shape("polyline", { points }), ...circles, label);
}

function bump(value) {
  const { words, ranking } = value;
  if (ranking.models.length < 2) return [];
  const stories = inSight(value).slice(0, BUMP.most);
  const { models } = ranking;
  const rows = rowsByModel(stories, models);
  const size = page.clientWidth > 0 && page.clientWidth < 640 ? NARROW : WIDE;
  const width = size.label + 48 + (models.length - 1) * size.column + 20;
  const height = BUMP.top + 14 + stories.length * BUMP.row;
  const heads = models.map(({ name }, model) => shape("text", { x: size.label + 24 + model * size.column, y: 16, class: "head" }, shortened(name, size.letters)));
  const marked = ({ clicked, typed }) => Number(clicked || typed);
  const lines = [...stories].sort((one, other) => marked(one) - marked(other)).map((story) => line(story, rows, models, value, size));
  const drawing = shape("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": words.bump, class: "bump" }, ...heads, ...lines);
  drawing.style.minWidth = `${0.85 * width}px`;
  drawing.style.maxWidth = `${1.25 * width}px`;
  const left = inSight(value).length - stories.length;
  const box = labelled(labelled(labelled(make("div", "scroller", drawing), "tabindex", "0"), "role", "region"), "aria-label", words.bump);
  return [heading(words.bump), box, note(words["bump note"] + (left ? ` ${fill(words["bump left"], { left })}` : ""))];
}
