function clickOf(story, value) {
  const { words, options } = value;
  const back = () => act("remove", { place: story.place });
  const remove = options.build
    ? labelled(button("×", back, { key: `remove:${story.place}`, kind: "more small" }), "aria-label", fill(words.remove, { title: story.title }))
    : "";
  return make("li", "", make("p", "headline", story.title), make("p", "under", topic(story), remove));
}

function history(value) {
  const { words, options, history: { stories, clicks, older, length, latest, time }, source, edited } = value;
  const shown = stories.slice(0, options.clicks ? undefined : latest);
  const facts = [edited ? fill(words["made of"], source) : source.reader, edited ? "" : moment(time), shown.length ? words["newest first"] : ""];
  const all = options.clicks ? fill(words["latest clicks"], { count: latest }) : fill(words["all clicks"], { count: stories.length });
  const controls = [
    stories.length > latest ? button(all, () => act("set", { clicks: !options.clicks }), { key: "clicks" }) : "",
    options.build ? "" : button(words.build, () => act("set", { build: true }), { key: "build" }),
    edited ? button(fill(words.restore, source), () => act("restore"), { key: "restore" }) : "",
  ];
  return [
    heading(words[edited ? "own reader" : "history"], plural(words.clicks, clicks)),
    note(facts.filter(Boolean).join(" · ")),
    shown.length ? labelled(make("ol", "stories", ...shown.map((story) => clickOf(story, value))), "aria-label", words.history) : note(words["no clicks"], "empty"),
    older ? note(fill(words.older, { older: plural(words["earlier clicks"], older), length })) : "",
    make("p", "actions", ...controls),
  ];
}

function found(story, value) {
  const { words } = value;
  const label = story.taken ? words.added : words.add;
  const pick = button(label, () => act("add", { story: story.id }), { key: `add:${story.id}`, disabled: story.taken });
  return make("li", "item found", make("div", "", make("p", "headline", story.title), topic(story)), labelled(pick, "aria-label", `${label}: ${story.title}`));
}

function builder(value) {
  const { words, builder: made } = value;
  if (!made) return [];
  const count = made.search ? fill(words.found, { shown: made.stories.length, total: plural(words.stories, made.total) }) : words["one of each"];
  return [
    make(
      "section",
      "builder",
      heading(words.build),
      note(words["build hint"]),
      textbox(words.search, made.search, (search) => act("set", { search }), { go: words.find, placeholder: words["search hint"] }),
      labelled(note(made.stories.length ? count : words["nothing found"]), "role", "status"),
      labelled(make("ol", "stories", ...made.stories.map((story) => found(story, value))), "aria-label", words.build),
      make("p", "actions", button(words.clear, () => act("clear")), button(words.done, () => act("set", { build: false, search: "" }))),
    ),
  ];
}
