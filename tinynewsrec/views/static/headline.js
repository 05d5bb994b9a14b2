function asked(value) {
  const { words, examples } = value;
  const known = examples.map(({ title }) => [title, title]);
  if (!known.some(([title]) => title === value.text)) known.unshift([value.text, value.text]);
  return make(
    "div",
    "controls",
    textbox(words.headline, value.text, (text) => act("set", { text, label: "" }), { go: words.read, multiline: true }),
    select(words.examples, known, value.text, (text) => act("set", { text, label: "" })),
    choice(words.head, value.tasks.map((task) => [task, words.tasks[task]]), value.task, (task) => act("set", { task, label: "" })),
  );
}

// Categories are the data's own; the labels of the other heads have names.
function named(label, words) {
  return Object.hasOwn(words.labels, label) ? words.labels[label] : label;
}

function guesses(model, task, value) {
  const { words, gold } = value;
  const found = model.guesses[task];
  if (!found) return [];
  const said = gold?.[task];
  const bars = found.map(({ label, probability }) => {
    const bar = make("span", "share");
    bar.style.setProperty("--share", probability);
    const chosen = value.task === task && model.label === label;
    const ask = button(named(label, words), () => act("set", { task, label }), { key: `${model.name}:${task}:${label}`, kind: "choice", pressed: chosen });
    return make("li", "guess", ask, label === said ? make("span", "mark", `✓ ${words.gold}`) : "", bar, make("span", "muted", `${number(100 * probability, 1)} %`));
  });
  const hidden = said && !found.some(({ label }) => label === said) ? note(fill(words["gold is"], { label: named(said, words) })) : "";
  return [make("h3", "", words.tasks[task]), labelled(make("ol", "guesses", ...bars), "aria-label", words.tasks[task]), hidden, quality(model, task, words)];
}

function quality(model, task, words) {
  const found = model.quality[task];
  const source = fill(words["labels from"], { source: model.sources[task] || "–" });
  if (!found) return note(source, "source");
  return note(`${fill(words.quality, { accuracy: number(found.accuracy, 1), f1: number(found.macro_f1, 1), common: number(found.most_common, 1), n: number(found.stories) })} ${source}`, "source");
}

// Colour says how strong, an underline which way; each word carries its number.
function coloured(model, words) {
  const most = Math.max(...model.values.map(Math.abs), 1e-9);
  const made = model.words.map((word, place) => {
    const value = model.values[place] ?? 0;
    const shown = make("span", value >= 0 ? "word up" : "word down", word);
    shown.style.setProperty("--strength", Math.abs(value) / most);
    shown.title = number(value, 3, true);
    return [shown, " "];
  });
  const twin = table(words["word values"], [{ name: words.word }, { name: words.value, digits: 3 }], model.words.map((word, place) => [word, model.values[place] ?? null]));
  return [make("p", "words", ...made.flat(), ...model.unread.map((word) => make("span", "muted", `${word} `))), details(words["word values"], twin)];
}

function names(model, value) {
  const { words, gold } = value;
  if (!model.parts.length) return [];
  const made = model.parts.map(([text, probability]) => {
    if (probability === null) return text;
    const sure = `${number(100 * probability, 1)} %`;
    return labelled(make("mark", "entity", text, make("span", "unseen", ` (${words.name}, ${sure})`)), "title", sure);
  });
  const none = model.parts.every(([, probability]) => probability === null) ? note(words["no names"]) : "";
  const found = gold ? note(fill(words["gold names"], { names: gold.entities.join(", ") || "–" })) : "";
  return [make("h3", "", words.tasks.entities), make("p", "words", ...made), none, found, quality(model, "entities", words)];
}

function reading(model, value) {
  const { words } = value;
  const why = model.values.length
    ? [make("h3", "", fill(words.why, { label: named(model.label, words), head: words.tasks[value.task] })), ...coloured(model, words), note(words["why note"], "source")]
    : [];
  const tasks = value.tasks.filter((task) => task !== "entities");
  return make("section", "reading", make("h2", "", model.name), ...why, ...tasks.flatMap((task) => guesses(model, task, value)), ...names(model, value));
}

show((value) => [
  heading(value.words.title),
  asked(value),
  note(value.gold ? fill(value.words["known story"], { id: value.gold.id, data: value.data }) : value.words["own headline"]),
  make("div", "readings", ...value.models.map((model) => reading(model, value))),
]);
