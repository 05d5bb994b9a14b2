// How far two annotators agree.
const pairOf = {};

function agreed(value, found) {
  const { words } = value;
  const names = [...new Set(found.map(({ annotator }) => annotator))].sort();
  const title = heading(words.agreement);
  if (names.length < 2) return [title, note(words["two needed"])];
  const options = names.map((name) => [name, name]);
  pairOf.first = names.includes(pairOf.first) ? pairOf.first : names[0];
  pairOf.second = names.includes(pairOf.second) && pairOf.second !== pairOf.first ? pairOf.second : names.find((name) => name !== pairOf.first);
  const pick = (key, label) =>
    select(words[label], options, pairOf[key], (name) => {
      pairOf[key] = name;
      redraw();
    });
  const compare = button(words.compare, () => ask("agree", { ...pairOf }), { key: "compare", kind: "more strong" });
  const result = value.answer?.kind === "agreement" ? agreementShown(value) : [];
  return [title, make("div", "controls", pick("first", "first annotator"), pick("second", "second annotator"), compare), ...result];
}

function agreementShown({ words, answer }) {
  const said = { ...answer, n: number(answer.items), left: answer.first_only, right: answer.second_only, kappa: number(answer.kappa, 2) };
  const columns = [
    { name: words.tag },
    { name: words["kappa name"], digits: 2 },
    { name: words["both tagged"], digits: 0 },
    { name: fill(words.only, { name: answer.first }), digits: 0 },
    { name: fill(words.only, { name: answer.second }), digits: 0 },
  ];
  const tags = answer.tags.map(({ tag, kappa, both, first_only: one, second_only: other }) => [tag, kappa, both, one, other]);
  const apart = answer.disagreements.map(({ impression, models, first, second }) => [
    button(impression, () => act("go", { tab: "reader", impression }), { key: `apart:${impression}` }),
    models.join(" / "),
    first.join(", "),
    second.join(", "),
  ]);
  const names = [words.impression, words.pair, answer.first, answer.second].map((name) => ({ name }));
  const shown = fill(words.disagreements, { shown: apart.length, all: answer.disagreed });
  return [
    note(fill(words[answer.kappa === null ? "kappa unknown" : "kappa"], said), ""),
    tags.length ? table(fill(words["kappa caption"], answer), columns, tags) : "",
    apart.length ? table(shown, names, apart, { visible: true }) : "",
  ];
}
