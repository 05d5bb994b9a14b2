// The tab Why: story A, story B, and one of three questions about them.
function draw(value) {
  const { words, options } = value;
  const parts = { clicks: clicksPart, words: wordsPart, anybody: anybodyPart };
  return [
    choice(words.part, Object.entries(words.parts), options.part, (part) => act("set", { part })),
    storiesOf(value),
    ranksOf(value),
    ...parts[options.part](value),
    note(sourceOf(value), "source"),
  ];
}

function storiesOf({ words, stories, candidates }) {
  const named = candidates.map(({ id, title }, place) => [id, fill(words.rank, { place: place + 1, title })]);
  return make(
    "div",
    "controls asking",
    select(words.a, named, stories[0].id, (story) => act("go", { story })),
    select(words.b, named, stories[1].id, (other) => act("go", { other })),
    button(words.swap, () => act("swap")),
  );
}

function ranksOf({ words, common, models, stories, ranks, source }) {
  const rows = stories.map(({ title, clicked }, place) => [
    make("span", "", make("strong", "", "AB"[place]), " ", make("span", "headline", title), clicked ? make("span", "mark after", common.clicked) : ""),
    ...ranks.map((rank) => rank[place]),
  ]);
  const columns = [{ name: common.story }, ...models.map((model) => ({ ...modelColumn(words, model), digits: 0 }))];
  return table(fill(words.ranks, source), columns, rows);
}

function modelColumn(words, { name, layers }) {
  return { name, unit: layers === 1 ? words.layer : fill(words.layers, { n: layers }) };
}

function sourceOf({ words, common, source, sample, edited, models }) {
  const said = fill(words.source, { ...source, models: models.map(({ name }) => name).join(", ") });
  return [said, edited ? words.edited : "", sample ? common.invented : ""].filter(Boolean).join(" ");
}

show(draw);
