// Builds elements; text is only ever set as text. `show` says how a part of the page is drawn, again whenever its
// value changes. act("name", {...}) asks the server for an action of the view, answered with a new value;
// run("name", {...}) for what takes longer, told by the bar at the foot of the page, and stopped there.
const page = element.querySelector(".drawn");
let props = { value: null };
let current = null;

function make(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

function labelled(made, name, value) {
  made.setAttribute(name, value);
  return made;
}

function fill(template, words) {
  const written = (value) => (typeof value === "number" ? number(value, Number.isInteger(value) ? 0 : 2) : value);
  return template.replace(/\{(\w+)\}/g, (found, name) => (name in words ? written(words[name]) : found));
}

function unseen(text) {
  return make("span", "unseen", text);
}

// Kept, for making one takes as long as drawing a row.
const writers = new Map();
function writer(language, digits, signed) {
  const key = `${language} ${digits} ${signed}`;
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits, signDisplay: signed ? "exceptZero" : "auto" };
  if (!writers.has(key)) writers.set(key, new Intl.NumberFormat(language, options));
  return writers.get(key);
}

// A number as the page's language writes it, with a real minus; `signed` shows a plus too.
function number(value, digits = 0, signed = false) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  return writer(props.value?.language ?? "en", digits, signed).format(value).replace("-", "−");
}

// A thing with a `key` keeps the focus when the component is drawn again.
function keyed(made, key) {
  made.dataset.key = key;
  return made;
}

function button(label, onclick, { key = label, kind = "more", pressed = null, disabled = false } = {}) {
  const made = keyed(make("button", kind, label), key);
  made.type = "button";
  made.onclick = onclick;
  made.disabled = disabled;
  if (pressed !== null) made.setAttribute("aria-pressed", String(pressed));
  return made;
}

// A few choices, all in sight: [[value, label], ...].
function choice(label, options, chosen, onchange) {
  const buttons = options.map(([value, text]) =>
    button(text, () => onchange(value), { key: `${label}:${value}`, kind: "choice", pressed: value === chosen }),
  );
  return labelled(labelled(make("div", "choices", make("span", "label", label), ...buttons), "role", "group"), "aria-label", label);
}

// Many choices, one in sight.
function select(label, options, chosen, onchange) {
  const made = keyed(make("select", "", ...options.map(([value, text]) => {
    const option = make("option", "", text);
    option.value = value;
    option.selected = value === chosen;
    return option;
  })), label);
  made.onchange = () => onchange(options[made.selectedIndex][0]);
  return make("label", "field", make("span", "label", label), made);
}

function slider(label, { least, most, step = 1, value, digits = 0 }, onchange) {
  const made = labelled(keyed(make("input", ""), label), "aria-label", label);
  Object.assign(made, { type: "range", min: least, max: most, step, value });
  const written = make("output", "", number(value, digits));
  made.oninput = () => written.replaceChildren(number(Number(made.value), digits));
  made.onchange = () => onchange(Number(made.value));
  return make("label", "field", make("span", "label", label, " ", written), made);
}

// What was typed and not yet sent outlives a redraw.
const drafts = new Map();
function textbox(label, value, onsubmit, { placeholder = "", go = "", most = 300, multiline = false } = {}) {
  const made = keyed(make(multiline ? "textarea" : "input", ""), label);
  if (!multiline) made.type = "text";
  Object.assign(made, { value: drafts.get(label) ?? value, placeholder, maxLength: most });
  if (multiline) made.rows = 2;
  made.oninput = () => drafts.set(label, made.value);
  const submit = () => {
    drafts.delete(label);
    onsubmit(made.value);
  };
  made.onkeydown = (event) => {
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      submit();
    }
  };
  const field = make("label", "field", make("span", "label", label), made);
  return go ? make("div", "asked", field, button(go, submit, { key: `${label}:go` })) : field;
}

// A part of the page that can be opened; it stays as the reader left it.
const opened = new Map();
function details(summary, ...children) {
  const made = make("details", "", keyed(make("summary", "", summary), `open:${summary}`), ...children);
  made.open = opened.get(summary) ?? false;
  made.ontoggle = () => opened.set(summary, made.open);
  return made;
}

// columns: [{name, unit?, digits? (then numbers are written and aligned)}]; cells: numbers, texts or elements.
function table(caption, columns, rows, { visible = false } = {}) {
  const kinds = columns.map(({ digits }) => (digits === undefined ? "" : "number"));
  const head = columns.map(({ name, unit }, place) =>
    labelled(make("th", kinds[place], name, unit ? make("span", "layers", unit) : ""), "scope", "col"),
  );
  const cell = (value, place) =>
    typeof value === "number" || value === null ? number(value, columns[place].digits ?? 0) : value;
  const body = rows.map((row) =>
    make("tr", "", ...row.map((value, place) =>
      place ? make("td", kinds[place], cell(value, place)) : labelled(make("th", kinds[0], cell(value, 0)), "scope", "row"),
    )),
  );
  const made = make("table", "plain", make("caption", visible ? "" : "unseen", caption), make("thead", "", make("tr", "", ...head)), make("tbody", "", ...body));
  return labelled(labelled(labelled(make("div", "scroller", made), "tabindex", "0"), "role", "region"), "aria-label", caption);
}

function heading(text, ...muted) {
  return make("h2", "", text, ...muted.map((more) => make("span", "muted", " ", more)));
}

function note(text, kind = "muted small") {
  return make("p", kind, text);
}

function download(name, text, type = "text/plain") {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(text instanceof Blob ? text : new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function redraw() {
  const focused = page.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  const start = document.activeElement?.selectionStart ?? null;
  const scrolled = [...page.querySelectorAll(".scroller")].map((box) => box.scrollLeft);
  const { value } = props;
  page.value = value; // for the export
  const shown = !value ? [] : value.empty ? [value.words.title ? heading(value.words.title) : "", note(value.empty, "empty")] : current(value);
  page.replaceChildren(...shown.flat().filter(Boolean));
  page.querySelectorAll(".scroller").forEach((box, place) => (box.scrollLeft = scrolled[place] ?? 0));
  const found = focused && page.querySelector(`[data-key="${CSS.escape(focused)}"]`);
  if (found) {
    found.focus({ preventScroll: true });
    if (start !== null && "selectionStart" in found && found.type === "text") found.setSelectionRange(start, start);
  }
}

function show(draw) {
  current = draw;
}

function receive(value) {
  props = { value };
  redraw();
}
