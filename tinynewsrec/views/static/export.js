// The open tab as a slide, a picture, a table or data; all of it made here, in the browser.
const SLIDE = { width: 1280, height: 720 };

function openTab() {
  return document.querySelector(`.drawn-${props.value.tab} .drawn`);
}

function exports(value) {
  const { words } = value;
  return [
    button(words.slide, async () => download(`${value.tab}.html`, await slide(), "text/html")),
    button(words.svg, async () => download(`${value.tab}.svg`, await picture(), "image/svg+xml")),
    button(words.png, async () => download(`${value.tab}.png`, await pixels(), "image/png")),
    button(words.csv, () => saveTables(value)),
    button(words.json, () => download(`${value.tab}.json`, JSON.stringify(numbers(), null, 2), "application/json")),
  ];
}

function numbers() {
  const { words, common, ...found } = openTab().value ?? {};
  return { link: address(props.value.query), reproduce: props.value.reproduce, ...found };
}

// A cell that a spreadsheet would compute is kept as text.
function quoted(text) {
  const safe = /^[=+@\t\r]|^-(?!\d)/.test(text) ? `'${text}` : text;
  return `"${safe.replaceAll('"', '""')}"`;
}

function saveTables(value) {
  const tables = [...openTab().querySelectorAll("table")];
  if (!tables.length) return tell(value.words.nothing);
  const lines = tables.flatMap((table) => [
    quoted(table.caption?.textContent ?? ""),
    ...[...table.rows].map((row) => [...row.cells].map((cell) => quoted(cell.textContent.trim())).join(",")),
    "",
  ]);
  lines.push(quoted(props.value.reproduce), quoted(address(props.value.query)));
  download(`${value.tab}.csv`, "\ufeff" + lines.join("\r\n"), "text/csv");
}

// A chart as it is drawn by day, for paper is white.
function byDay({ data, layout }) {
  const track = { gridcolor: "#e5e2da", zerolinecolor: "#e5e2da", linecolor: "#e5e2da" };
  const axes = Object.entries(layout).filter(([name]) => /^[xy]axis/.test(name));
  const lit = axes.map(([name, axis]) => [name, { ...axis, ...track }]);
  return { data, layout: { ...layout, font: { ...layout.font, color: "#1d1d1c" }, ...Object.fromEntries(lit) } };
}

// A copy that needs neither this page nor its server: charts become pictures, controls go.
async function still() {
  const source = openTab();
  const copy = source.cloneNode(true);
  const plots = [...source.querySelectorAll(".plot")];
  const pictures = await Promise.all(plots.map((plot) => (plot.wired ? window.Plotly.toImage(byDay(plot), { format: "svg", width: plot.offsetWidth, height: plot.offsetHeight }) : "")));
  copy.querySelectorAll(".plot").forEach((plot, place) => {
    const image = document.createElement("img");
    Object.assign(image, { src: pictures[place], alt: plot.getAttribute("aria-label") ?? "" });
    plot.replaceWith(image);
  });
  copy.querySelectorAll(".controls, .field, .asked, .choices, select, input, textarea, button.more").forEach((control) => control.remove());
  copy.querySelectorAll("details").forEach((part) => part.replaceWith(...part.childNodes));
  return copy;
}

// Rules that style the copy, as by day: those for the dark are left out.
function rules(copy) {
  const found = [];
  for (const sheet of document.styleSheets) {
    for (const rule of sheet.cssRules ?? []) {
      const selector = rule.selectorText ?? "";
      if (!selector || selector.includes(".dark")) continue;
      const variables = rule.cssText.includes("--") && /:root|gradio-container|:host/.test(selector);
      if (variables || /\.drawn/.test(selector) || [...copy.querySelectorAll("[class]")].some((made) => made.matches(selector)))
        found.push(rule.cssText);
    }
  }
  return found.join("\n");
}

async function slideBody() {
  const copy = await still();
  const title = document.createElement("h1");
  title.textContent = props.value.tabs.find(([name]) => name === props.value.tab)[1];
  const foot = document.createElement("footer");
  foot.textContent = `${props.value.reproduce}. ${props.value.words.made} ${address(props.value.query)}`;
  const body = document.createElement("div");
  body.className = "gradio-container light slide";
  body.append(title, copy, foot);
  return [body, rules(copy)];
}

const SLIDE_STYLE = `
body { margin: 0; background: #fff; }
.slide { box-sizing: border-box; width: ${SLIDE.width}px; min-height: ${SLIDE.height}px; padding: 32px 48px; margin: 0 auto;
  color: #1d1d1c; background: #fff; font: 18px/1.4 "Source Sans Pro", system-ui, sans-serif; }
.slide h1 { margin: 0 0 12px; font: 700 32px/1.2 Georgia, serif; }
.slide footer { margin-top: 16px; font-size: 12px; color: #5b5750; overflow-wrap: anywhere; }
.slide img { max-width: 100%; }
.slide .scroller { overflow: visible; }
.slide .drawn th:first-child { background: none; }`;

function slide() {
  return slideBody().then(([body, style]) => whole(body, style));
}

function whole(body, style) {
  const written = document.implementation.createHTMLDocument(body.querySelector("h1").textContent);
  const sheet = written.createElement("style");
  sheet.textContent = style + SLIDE_STYLE;
  const letters = written.createElement("meta");
  letters.setAttribute("charset", "utf-8");
  written.head.prepend(letters);
  written.head.append(sheet);
  written.documentElement.lang = props.value.language;
  written.body.append(body);
  return `<!doctype html>\n${written.documentElement.outerHTML}`;
}

// Laid out apart, for the rules of a slide are not those of this page.
async function heightOf(text) {
  const frame = document.createElement("iframe");
  Object.assign(frame, { srcdoc: text, width: SLIDE.width, height: SLIDE.height });
  frame.style.cssText = "position: fixed; visibility: hidden";
  await new Promise((resolve) => {
    frame.onload = resolve;
    document.body.append(frame);
  });
  const height = frame.contentDocument.documentElement.scrollHeight;
  frame.remove();
  return height;
}

// As wide as a slide, and as high as what it shows.
async function picture() {
  const [body, style] = await slideBody();
  const height = await heightOf(whole(body.cloneNode(true), style));
  const sheet = document.createElement("style");
  sheet.textContent = style + SLIDE_STYLE;
  body.prepend(sheet);
  const inside = new XMLSerializer().serializeToString(body);
  const size = `width="${SLIDE.width}" height="${height}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size}><foreignObject ${size}>${inside}</foreignObject></svg>`;
}

async function pixels() {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(await picture())}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: 2 * image.naturalWidth, height: 2 * image.naturalHeight });
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}
