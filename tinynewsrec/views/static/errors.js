function sources({ words, source, invented }) {
  const skipped = number(source.given - source.judged);
  const numbers = Object.fromEntries(["all", "given", "judged", "readers"].map((name) => [name, number(source[name])]));
  return [
    note(fill(words.source, { ...numbers, data: source.data, skipped }), "source"),
    source.given < source.all ? note(fill(words.some, numbers), "source") : "",
    invented ? note(words.invented, "source") : "",
  ];
}

show((value) => {
  take(value);
  const { words, slice } = value;
  const top = [heading(words.title), settings(value), ...chips(value)];
  if (!slice.impressions) return [...top, note(words["empty slice"], "empty"), ...noted(value)];
  return [
    ...top,
    make("div", "errors-top", quadrantTable(value), summary(value)),
    ...sources(value),
    ...listed(value),
    ...sliced(value),
    ...finder(value),
    ...noted(value),
  ];
});
