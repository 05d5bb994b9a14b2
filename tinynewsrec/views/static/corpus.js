// The best of all stories for this reader, a column for each model.
function retrieved(story, value) {
  const { words } = value;
  const marks = [story.shared ? "" : words["only here"], story.candidate ? words["a candidate"] : ""].filter(Boolean).join(" · ");
  return make("span", story.shared ? "" : "alone", make("span", "headline", story.title), make("span", "under", topic(story), marks ? make("span", "muted", ` · ${marks}`) : ""));
}

function corpus(value) {
  const { words, corpus: all, ranking, source } = value;
  if (!ranking.models.length) return [];
  if (!all) return [make("p", "actions", button(words["rank all"], () => act("set", { corpus: true }), { key: "corpus" }), note(words["rank all hint"]))];
  const columns = [{ name: words.place, digits: 0 }, ...all.models.map(({ name }) => ({ name }))];
  const length = Math.max(...all.models.map(({ stories }) => stories.length));
  const rows = Array.from({ length }, (_, place) => [place + 1, ...all.models.map(({ stories }) => (stories[place] ? retrieved(stories[place], value) : ""))]);
  const caption = fill(words["all stories"], { count: length });
  const shown = table(caption, columns, rows);
  shown.classList.add("retrieved");
  const [first, ...others] = all.models;
  const same = others.map(({ name, same }) => fill(words["in common"], { model: name, same, count: length, first: first.name }));
  return [
    heading(words["all title"], plural(words.stories, all.stories)),
    shown,
    same.length ? note(same.join(" "), "small") : "",
    note(fill(words["all source"], { ...source, stories: number(all.stories) }), "source"),
    make("p", "actions", button(words["hide all"], () => act("set", { corpus: false }), { key: "corpus" })),
  ];
}
