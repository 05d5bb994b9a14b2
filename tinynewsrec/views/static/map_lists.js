// What stands beside the map: the story looked at, what was found, drawn around, moved most; how far to trust it.
function storyButton(story, ...more) {
  const made = button(story.title, () => act("set", { story: story.id }), { key: `story:${story.id}`, kind: "link" });
  return make("li", "item", made, make("span", "under", topic(story), ...more));
}

function storyList(stories, told = () => "") {
  return make("ol", "stories plain-list", ...stories.map((story) => storyButton(story, told(story))));
}

function muted(text) {
  return make("span", "muted", ` · ${text}`);
}

function neighboursOf(model, place, value) {
  const { words, map: about, card } = value;
  const share = place ? fill(words["share of story"], { model: value.map.models[0].name, common: Math.round(model.overlap * about.compared), count: about.compared }) : "";
  const list = storyList(model.neighbours, (story) => make("span", "muted", ` · ${number(story.cosine, 2)}`, place && !story.common ? make("span", "alone", ` ${words["only here"]}`) : ""));
  const moved = place ? note(fill(words["story moved"], { teacher: value.map.models[0].name, model: model.name, distance: number(model.moved, 2) })) : "";
  return make("section", "neighbours", make("h3", "", fill(words.neighbours, { model: model.name })), share ? note(share) : "", moved, list);
}

function storyCard(value) {
  const { words, card } = value;
  if (!card) return [make("div", "card", heading(words["story title"]), note(words["no story"], "empty"))];
  const ask = card.candidate ? button(words.why, () => act("go", { story: card.story.id, tab: "why" }), { key: "why" }) : "";
  return [
    make(
      "div",
      "card",
      heading(words["story title"]),
      make("p", "headline", card.story.title),
      make("p", "under", topic(card.story)),
      make("p", "actions", ask, button(words.close, () => act("set", { story: "" }), { key: "close" })),
      make("div", "neighbour-lists", ...card.models.map((model, place) => neighboursOf(model, place, value))),
      note(fill(words["card source"], { data: value.source.data, stories: number(value.points.stories), count: value.map.compared, chance: number(100 * card.chance, 1) }), "source"),
    ),
  ];
}

function foundList(value) {
  const { words, found } = value;
  if (!found) return [];
  const title = fill(words["found title"], { query: value.options.search });
  if (!found.total) return [heading(title), note(words["found nothing"], "empty")];
  const rest = found.total > found.stories.length ? note(fill(words["first of"], { shown: found.stories.length, total: number(found.total) })) : "";
  return [heading(title, plural(words.stories, found.total)), storyList(found.stories), rest];
}

function pickedList(value) {
  const { words, picked } = value;
  if (!picked) return [];
  const cut = picked.total > value.most ? note(fill(words["slice most"], { most: value.most })) : "";
  const made = value.slices && picked.total ? button(words["make slice"], () => act("slice"), { key: "slice", kind: "more" }) : "";
  const rest = picked.total > picked.stories.length ? note(fill(words["first of"], { shown: picked.stories.length, total: number(picked.total) })) : "";
  return [
    heading(words["picked title"], plural(words.stories, picked.total)),
    make("p", "actions", made, button(words["picked drop"], () => act("set", { lasso: [] }), { key: "unlasso" })),
    cut,
    storyList(picked.stories),
    rest,
  ];
}

function movedList(value) {
  const { words, moved, map: about } = value;
  if (!moved) return [];
  const names = { teacher: about.models[0].name, model: about.models[about.end].name };
  const told = fill(words["moved note"], { ...names, mean: number(moved.mean, 2), stories: number(value.points.stories), data: value.source.data });
  return [details(fill(words["moved title"], names), note(told), storyList(moved.stories, (story) => muted(number(story.moved, 2))))];
}

function typedList(value) {
  const { words, typed } = value;
  const entries = typed.map((each, place) =>
    make(
      "li",
      "",
      make("p", "headline", `H${place + 1}: ${each.title} `, button(words.remove, () => act("drop", { place }), { key: `drop:${place}` })),
      note(fill(words[each.spread > 0.25 ? "place unsure" : "place sure"], { spread: number(each.spread, 2) })),
      storyList(each.near),
    ),
  );
  return [
    textbox(words["own headline"], "", (text) => text.trim() && act("headline", { text }), { go: words.place, placeholder: words["own headline hint"] }),
    entries.length ? make("ol", "stories typed", ...entries) : "",
  ];
}

// How far each model's points may be trusted, and how alike the models' neighbours are.
function trustTable(value) {
  const { words, map: about } = value;
  const caption = fill(words["trust caption"], { checked: about.checked, data: value.source.data });
  const columns = [
    { name: value.common.model },
    { name: words.trust, unit: words["trust own"], digits: 3 },
    { name: words.trust, unit: words["trust shared"], digits: 3 },
    { name: words.way },
    { name: words["met again"], unit: "%", digits: 1 },
    ...about.models.map(({ name }) => ({ name: fill(words.overlap, { count: about.compared }), unit: fill(words["overlap with"], { model: name }), digits: 1 })),
  ];
  const rows = about.models.map((model) => [model.name, model.trust, model.trust_shared, fill(words.ways[model.way], { teacher: about.models[0].name }), 100 * model.met_again, ...model.overlaps.map((share) => 100 * share)]);
  const chance = fill(words["overlap note"], { count: about.compared, chance: number(100 * about.chance, 1) });
  return details(words["trust title"], table(caption, columns, rows), note(fill(words["trust note"], { teacher: about.models[0].name })), note(chance));
}
