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
  return make("div", "fact", make("dt", "", name), make("dd", "", ...values));
}

function model({ name, size }) {
  return make("span", "model-fact", make("strong", "", name), " ", make("span", "muted", size));
}

show((value) => [
  make(
    "header",
    "masthead",
    make(
      "div",
      "masthead-title",
      make("h1", "", value.words.title),
      make("p", "tagline", value.words.tagline),
      value.notice && make("p", "notice", make("strong", "", value.words.notice), " ", value.notice),
    ),
    make("dl", "facts", fact(value.words.data.label, make("span", "whole", value.data)), fact(value.words.models.label, ...value.models.map(model))),
  ),
  ...value.problems.map((problem) => labelled(make("p", "problem", problem), "role", "alert")),
  value.progress && labelled(make("p", "working", value.progress.text, bar(value.progress)), "role", "status"),
].filter(Boolean));
