// Tags and notes: they live in this browser; files and agreement are worked out by the app.
const STORE = "tinynewsrec.notes";
const NAME_STORE = "tinynewsrec.annotator";
let tagging = null; // the row of the list that is being tagged
let draft = {};
let message = "";
let awaited = ""; // which answer this page is waiting for

function stored(key, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(key)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

function store(key, value) {
  try {
    localStorage.setItem(key, JSON.stringify(value));
    return true;
  } catch {
    message = props.value.words.full;
    return false;
  }
}

function allNotes() {
  const found = stored(STORE, []);
  return Array.isArray(found) ? found.filter((one) => one && typeof one.impression === "string") : [];
}

function startTagging(row) {
  tagging = row;
  draft = {};
  message = "";
  redraw();
  page.querySelector(".tagging input, .tagging button")?.focus();
}

function stopTagging() {
  const { impression } = tagging;
  tagging = null;
  redraw();
  page.querySelector(`[data-key="${CSS.escape(`tag:${impression}`)}"]`)?.focus();
}

function typed(field, name) {
  field.querySelector("input, textarea").oninput = (event) => (draft[name] = event.target.value);
  return field;
}

function tagForm({ words, options, longest }) {
  if (!tagging) return "";
  const name = draft.annotator ?? stored(NAME_STORE, "");
  const used = allNotes().map(({ tag }) => tag).filter(Boolean);
  const tags = [...new Set([...words.tags, ...used])];
  const toggle = (tag) => {
    draft.tag = draft.tag === tag ? "" : tag;
    redraw();
  };
  const field = (label, key, value, more) => typed(textbox(label, value, () => saveNote(options, words), more), key);
  return make(
    "div",
    "tagging",
    make("strong", "", fill(words.tagging, { ...options, impression: tagging.impression })),
    message ? note(message, "message") : "",
    make("div", "controls", field(words.annotator, "annotator", name, { most: longest.annotator })),
    choice(words.tag, tags.map((tag) => [tag, tag]), draft.tag, toggle),
    make("div", "controls", field(words["own tag"], "own", draft.own ?? "", { most: longest.tag })),
    field(words.note, "note", draft.note ?? "", { most: longest.note, multiline: true }),
    make("p", "actions", button(words.add, () => saveNote(options, words), { key: "save note", kind: "more strong" }), button(words.cancel, stopTagging, { key: "cancel" })),
  );
}

function saveNote({ teacher, student }, words) {
  const annotator = (draft.annotator ?? stored(NAME_STORE, "")).trim();
  const tag = (draft.own || draft.tag || "").trim();
  const text = (draft.note ?? "").trim();
  message = !annotator ? words["name first"] : !tag && !text ? words["nothing to save"] : "";
  if (message) return redraw();
  store(NAME_STORE, annotator);
  addNotes([{ impression: tagging.impression, teacher, student, tag, note: text, annotator, time: new Date().toISOString() }]);
  return message ? redraw() : stopTagging();
}

// The number of notes that were not there yet.
function addNotes(found) {
  const known = new Set(allNotes().map((one) => JSON.stringify(Object.values(one))));
  const fresh = found.filter((one) => !known.has(JSON.stringify(Object.values(one))));
  const together = [...allNotes(), ...fresh];
  if (together.length > props.value.longest.notes) {
    message = props.value.words.full;
    return 0;
  }
  return store(STORE, together) ? fresh.length : 0;
}

function tagsOf({ options }, { impression }) {
  const found = allNotes().filter((one) => one.impression === impression && one.teacher === options.teacher && one.student === options.student);
  const shown = [...new Set(found.map(({ tag, note: text }) => tag || `“${text.slice(0, 20)}”`))];
  return shown.length ? make("span", "tags", shown.map((tag) => make("span", "tag", tag))) : "";
}

function ask(name, values = {}) {
  awaited = `${Date.now()}-${Math.random()}`;
  message = "";
  act(name, { text: JSON.stringify(allNotes()), ...values, nonce: awaited });
}

// What the app answered to this page; an answer of another page, or of a link, is only shown.
function take({ answer, words }) {
  if (!answer || answer.nonce !== awaited) return;
  awaited = "";
  if (answer.kind === "fault") message = answer.text;
  if (answer.kind === "file") saveFile(answer);
  if (answer.kind === "notes") {
    const count = addNotes(answer.rows);
    message ||= counted(count, words.loaded);
  }
}

// A spreadsheet takes a file for UTF-8 when it begins with this mark.
function saveFile({ form, text }) {
  if (form === "csv") download("notes.csv", `\ufeff${text}`, "text/csv");
  else download("notes.json", text, "application/json");
}

function chooseFile(value) {
  const chooser = Object.assign(document.createElement("input"), { type: "file", accept: ".csv,.json" });
  chooser.onchange = () => openFile(chooser.files[0], value);
  chooser.click();
}

async function openFile(file, { words, longest }) {
  if (!file) return;
  if (file.size > 4 * longest.file) {
    message = fill(words["too large"], { most: number((4 * longest.file) / 1e6) });
    redraw();
    return;
  }
  ask("import", { text: await file.text() });
}

function noted(value) {
  const { words } = value;
  const found = allNotes();
  const said = found.length ? counted(found.length, words.noted) : words["no notes"];
  const shown = message && !tagging ? labelled(note(message, "message"), "role", "status") : "";
  const saves = [["save csv", "csv"], ["save json", "json"]].map(([key, form]) =>
    button(words[key], () => ask("export", { form }), { key, disabled: !found.length }),
  );
  const forget = button(words["forget all"], () => {
    store(STORE, []);
    redraw();
  }, { key: "forget all" });
  return [
    heading(words.notes),
    note(words["notes about"]),
    shown,
    note(said, ""),
    make("p", "actions", saves, button(words.load, () => chooseFile(value), { key: "load" })),
    found.length ? details(words.notes, noteTable(value, found), make("p", "actions", forget)) : "",
    found.some(({ tag }) => tag) ? tagCounts(value, found) : "",
    ...agreed(value, found),
  ];
}

function noteTable({ words }, found) {
  const columns = ["impression", "pair", "tag", "note", "annotator", "time", "forget"].map((key) => ({ name: words[key] }));
  const rows = found.map((one, place) => {
    const drop = () => {
      store(STORE, allNotes().filter((other, at) => at !== place));
      redraw();
    };
    const remove = labelled(button(words.forget, drop, { key: `forget:${place}` }), "aria-label", fill(words["forget note"], one));
    const when = new Date(one.time).toLocaleString(props.value.language);
    const open = button(one.impression, () => act("go", { tab: "reader", impression: one.impression }), { key: `noted:${place}` });
    return [open, `${one.teacher} / ${one.student}`, one.tag, one.note, one.annotator, when, remove];
  });
  return table(words.notes, columns, rows);
}

function tagCounts({ words }, found) {
  const counts = new Map();
  found.filter(({ tag }) => tag).forEach(({ tag, teacher, student, impression }) => {
    const key = JSON.stringify([tag, `${teacher} / ${student}`]);
    counts.set(key, (counts.get(key) ?? new Set()).add(impression));
  });
  const rows = [...counts].map(([key, tagged]) => [...JSON.parse(key), tagged.size]).sort((one, other) => other[2] - one[2]);
  return table(words.counts, [{ name: words.tag }, { name: words.pair }, { name: words.count, digits: 0 }], rows, { visible: true });
}
