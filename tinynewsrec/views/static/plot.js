// Charts by plotly.js, fetched from this app while nothing else is to be done. Colours come from the page.
const PALETTE = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8a8a00", "#666666"]; // Okabe and Ito, 2008
const SYMBOLS = ["circle", "square", "diamond", "triangle-up", "cross", "star", "x", "hexagon"];

function plotly() {
  window.plotlyLoaded ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = `gradio_api/file=${PLOTLY}`;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => reject(new Error(script.src));
    document.head.append(script);
  });
  return window.plotlyLoaded;
}
requestIdleCallback(plotly, { timeout: 3000 });

// Plotly reads tags and templates in its labels; text of data or users has none.
function inert(text) {
  return String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/%\{/g, "%&#123;");
}

// The marks of decimals and of thousands in the page's language.
function separators() {
  const parts = new Intl.NumberFormat(props.value?.language ?? "en").formatToParts(12345.6);
  return ["decimal", "group"].map((kind) => parts.find(({ type }) => type === kind).value).join("");
}

function inked(layout) {
  const style = getComputedStyle(page);
  const ink = style.color;
  const grid = style.getPropertyValue("--track").trim() || "#ccc";
  const axis = { gridcolor: grid, zerolinecolor: grid, linecolor: grid, automargin: true };
  return {
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    colorway: PALETTE,
    separators: separators(),
    font: { color: ink, size: 14, family: style.fontFamily },
    margin: { l: 60, r: 20, t: 30, b: 50 },
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" }, // grows upwards, away from the marks
    ...layout,
    xaxis: { ...axis, ...layout.xaxis },
    yaxis: { ...axis, ...layout.yaxis },
  };
}

// A tab that is turned to again has mostly kept its width.
function fit(div) {
  if (div.wired && div.offsetWidth && Math.abs(div.offsetWidth - div._fullLayout.width) >= 1) window.Plotly.Plots.resize(div);
}

// One chart with its title for those who cannot see it; `twin` is the table of the same numbers.
function plot(title, traces, layout = {}, { height = 380, twin = null, onclick = null, onselect = null, config = {} } = {}) {
  const div = labelled(labelled(make("div", "plot"), "role", "img"), "aria-label", title);
  div.style.height = `${height}px`;
  const draw = async () => {
    const Plotly = await plotly();
    if (!div.isConnected) return;
    await Plotly.react(div, traces, inked({ height, ...layout }), { responsive: true, displaylogo: false, displayModeBar: false, ...config });
    if (div.wired) return;
    div.wired = true;
    if (onclick) div.on("plotly_click", (event) => onclick(event.points));
    if (onselect) div.on("plotly_selected", (event) => event && onselect(event.points));
  };
  queueMicrotask(draw);
  new ResizeObserver(() => fit(div)).observe(div);
  const themed = new MutationObserver(() => (div.isConnected ? draw() : themed.disconnect()));
  themed.observe(document.body, { attributes: true, attributeFilter: ["class"] });
  div.redraw = draw;
  return make("figure", "chart", div, twin ? details(fill(props.value.common.twin, { title }), twin) : "");
}
