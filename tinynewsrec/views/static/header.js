function bar(progress) {
  const made = make("progress", "header-bar");
  if (progress.total) {
    made.max = progress.total;
    made.value = progress.done;
  }
  made.setAttribute("aria-label", progress.text);
  return made;
}

function fact(name, ...values) {
  return make("div", "fact", make("dt", "", name), ...values.map((value) => make("dd", "", value)));
}

function facts({ words, data, skipped, count, models, notice }) {
  const known = models.map(({ name, size }) => [make("strong", "", name), " ", make("span", "muted", size)]);
  const made = menu(
    `${data} · ${count}`,
    make("p", "muted", words.tagline),
    notice ? make("p", "", notice) : "",
    make("dl", "", fact(words.data.label, data, skipped), fact(words.models.label, ...(known.length ? known.map((parts) => make("span", "", ...parts)) : [count]))),
  );
  made.classList.add("facts");
  return made;
}

show((value) => [
  make("header", "masthead", make("h1", "", value.words.title), value.notice ? make("strong", "notice", value.words.notice) : "", facts(value)),
  ...value.problems.map((problem) => labelled(make("p", "problem", problem), "role", "alert")),
  value.progress && labelled(make("p", "working", value.progress.text, bar(value.progress)), "role", "status"),
].filter(Boolean));
