// Presenting: controls are hidden, type is large, and the arrow keys go through a list of views.
let playing = null; // { steps: [{text, query}], place }

function keptViews() {
  try {
    return JSON.parse(localStorage.getItem(OPENED) ?? "[]").filter(({ query }) => typeof query === "string");
  } catch {
    return [];
  }
}

function keep(views) {
  localStorage.setItem(OPENED, JSON.stringify(views));
  redraw();
}

function presentations(value) {
  const { words } = value;
  const kept = keptViews();
  return [
    ...value.stories.map((story) => button(story.title, () => play(story.steps))),
    kept.length ? button(`${words["kept title"]} (${fill(words.kept, { n: kept.length })})`, () => play(kept)) : "",
    button(words.keep, () => keep([...keptViews(), { text: "", query: value.query }])),
    kept.length ? button(words.remove, () => keep([])) : "",
    kept.length ? button(words["save story"], () => download("story.json", JSON.stringify(kept, null, 2), "application/json")) : "",
    button(words["load story"], () => pick(loadStory)),
  ];
}

function loadStory(read) {
  const sound = Array.isArray(read) && read.every(({ query }) => typeof query === "string");
  if (sound) keep(read.map(({ query, text }) => ({ query, text: String(text ?? "").slice(0, 400) })));
  return sound;
}

function play(steps) {
  playing = { steps, place: 0 };
  turn(0);
}

function turn(by) {
  playing.place = Math.min(Math.max(playing.place + by, 0), playing.steps.length - 1);
  act("open", { query: playing.steps[playing.place].query });
}

function endPresenting() {
  playing = null;
  redraw();
}

function presenter(value) {
  document.body.classList.toggle("presenting", Boolean(playing));
  if (!playing) return [];
  const { words } = value;
  const { steps, place } = playing;
  const count = fill(words.step, { done: place + 1, total: steps.length });
  return [
    make(
      "div",
      "presenter",
      labelled(make("p", "", steps[place].text), "aria-live", "polite"),
      button(words.previous, () => turn(-1), { disabled: place === 0 }),
      make("span", "muted", count),
      button(words.next, () => turn(1), { disabled: place === steps.length - 1 }),
      button(words["stop presenting"], endPresenting),
    ),
  ];
}
