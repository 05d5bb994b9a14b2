function chooser(value) {
  const { words, choice: chosen, source } = value;
  const kinds = Object.entries(chosen.kinds);
  const blank = [["", words["no reader"]]];
  const known = chosen.readers.some(([id]) => id === chosen.impression);
  const readers = known ? chosen.readers : [...blank, ...chosen.readers];
  const visits = chosen.impressions.map(([id, time], place) => [id, fill(words.visit, { number: place + 1, count: chosen.impressions.length, time: moment(time) })]);
  const visit = (impression) => impression && act("visit", { impression });
  const several = select(words.impression, visits, chosen.impression, visit);
  several.querySelector("select").disabled = visits.length < 2;
  const picked = select(words.reader, readers, known ? chosen.impression : "", visit);
  picked.querySelector("select").disabled = !chosen.readers.length;
  return [
    make("div", "controls kinds", choice(words["worth a look"], kinds, chosen.kind, (kind) => act("pick", { kind }))),
    make(
      "div",
      "controls pickers",
      picked,
      several,
      textbox(words.id, "", (id) => act("find", { id }), { go: words.find, placeholder: source.reader, most: chosen.longest }),
      button(words.surprise, () => act("surprise")),
    ),
  ];
}

function said(value) {
  const { message, near } = value.choice;
  if (!message) return [];
  const made = labelled(make("p", "message", message), "role", "status");
  if (near) made.append(" ", button(fill(value.words.offer, { id: near }), () => act("find", { id: near }), { key: "offer" }));
  return [made];
}

show((value) => [
  ...chooser(value),
  ...said(value),
  make(
    "div",
    "impression",
    make("section", "side", ...history(value), ...builder(value)),
    make("section", "lists", ...candidates(value), ...bump(value), ...corpus(value)),
  ),
]);
