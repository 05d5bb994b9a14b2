// The page: its parts, its tabs, and the one way to the server. One request is under way at a time; what is asked
// meanwhile goes together with the next, in order, so that none is lost and none overtakes another.
const PATIENCE = 60_000; // milliseconds after which an answer is not awaited any more
const root = element.querySelector(".page");
const parts = new Map();
const waiting = [];
const runs = [];
let awaited = 0; // since when
let serial = 0;
let version = -1;
let timer = 0;

function place(name) {
  const made = document.createElement("div");
  made.className = `drawn-${name}`;
  made.append(document.createElement("div"));
  made.firstChild.className = "drawn";
  parts.set(name, { element: made, draw: null, text: "" });
  return made;
}

// The script of a part, in a scope of its own, is read when the part is first drawn.
function scriptOf(name, element) {
  const code = ["elements", "plot", ...SCRIPTS[name]].map((file) => FILES[file]).join("\n");
  const act = (asked, values = {}) => ask(name, asked, values);
  const run = (asked, values = {}) => start(name, asked, values);
  return Function("element", "act", "run", "upload", "PLOTLY", `${code}\nreturn receive;`)(element, act, run, upload, PLOTLY);
}

function draw(name, value) {
  const part = parts.get(name);
  const text = JSON.stringify(value);
  if (text === part.text) return;
  part.text = text;
  try {
    part.draw ??= scriptOf(name, part.element);
    part.draw(value);
  } catch (error) {
    console.error(error); // the other parts are drawn all the same
  }
}

function ask(view, name, values = {}) {
  if (view === "progress" && name === "close") return draw("progress", null);
  waiting.push([view, name, values]);
  send();
}

function send() {
  const underWay = awaited && performance.now() - awaited < PATIENCE;
  if (!underWay && waiting.length) request();
}

function request() {
  clearTimeout(timer);
  awaited = performance.now();
  trigger("act", { asked: waiting.splice(0), version, serial: ++serial });
}

function receive() {
  const answer = JSON.parse(props.value || "null");
  if (!answer || answer.serial < serial) return; // one that was not awaited any more
  awaited = 0;
  version = answer.version;
  if (answer.again) timer = setTimeout(request, answer.again);
  send();
  const { toolbar } = answer.parts;
  if (toolbar) nameTabs(toolbar.tabs);
  if (toolbar && !awaited) turn(toolbar.tab);
  Object.entries(answer.parts).forEach(([name, value]) => draw(name, value));
}

// What takes long runs one after the other; what is asked twice runs once.
function start(view, name, values) {
  const run = { view, name, values };
  if (runs.some((known) => JSON.stringify(known) === JSON.stringify(run))) return;
  runs.push(run);
  if (runs.length === 1) trigger("run", run);
}

function progressed({ detail }) {
  const told = JSON.parse(detail || "null");
  draw("progress", told);
  if (told && !told.close) return;
  runs.shift();
  ask("toolbar", "look");
  if (runs.length) trigger("run", runs[0]);
}

function tab(name) {
  const label = document.createElement("button");
  Object.assign(label, { type: "button", id: `tab-${name}`, tabIndex: -1 });
  const panel = place(name);
  Object.assign(panel, { id: `panel-${name}`, hidden: true });
  const roles = [[label, { role: "tab", "aria-controls": panel.id, "aria-selected": "false" }], [panel, { role: "tabpanel", "aria-labelledby": label.id }]];
  roles.forEach(([made, said]) => Object.entries(said).forEach(([attribute, value]) => made.setAttribute(attribute, value)));
  label.onclick = () => {
    turn(name);
    ask("toolbar", "go", { tab: name });
  };
  return { name, label, panel };
}

function turn(name) {
  if (!parts.get(name)?.element.hidden) return;
  for (const { name: known, label, panel } of tabs) {
    panel.hidden = known !== name;
    label.setAttribute("aria-selected", String(known === name));
    label.tabIndex = known === name ? 0 : -1;
    if (known === name) list.scrollLeft = label.offsetLeft - (list.clientWidth - label.offsetWidth) / 2;
  }
}

function nameTabs(named) {
  const names = new Map(named);
  tabs.forEach(({ name, label }) => label.textContent === names.get(name) || (label.textContent = names.get(name)));
}

function keyOfTabs(event) {
  const here = tabs.findIndex(({ label }) => label === document.activeElement);
  const places = { ArrowLeft: here - 1, ArrowRight: here + 1, Home: 0, End: tabs.length - 1 };
  if (!(event.key in places) || here < 0) return;
  event.preventDefault();
  const { label } = tabs.at(places[event.key] % tabs.length);
  label.focus();
  label.click();
}

const top = document.createElement("div");
top.className = "top";
top.append(place("header"), place("toolbar"));
const tabs = TABS.map(tab);
const list = document.createElement("div");
list.className = "tabs";
list.setAttribute("role", "tablist");
list.append(...tabs.map(({ label }) => label));
list.onkeydown = keyOfTabs;
root.append(top, place("notice"), list, ...tabs.map(({ panel }) => panel), place("progress"));
document.addEventListener("progress", progressed);
receive();
watch("value", receive);
