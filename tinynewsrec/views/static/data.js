let told = ""; // of an upload that is under way

async function send(files) {
  const { words } = props.value;
  const paths = [];
  for (const [place, file] of files.entries()) {
    told = fill(words.uploading, { name: file.name, done: place + 1, total: files.length });
    redraw();
    try {
      paths.push((await upload(file)).path);
    } catch (error) {
      told = fill(words["upload failed"], { name: file.name, reason: error.message ?? "" });
      return redraw();
    }
  }
  told = "";
  act("files", { paths });
}

function dropping({ words, files }) {
  const input = keyed(make("input", "unseen"), "files"); // its own text is in the browser's language
  Object.assign(input, { type: "file", multiple: true, accept: ".zip,.tsv,.parquet" });
  input.onchange = () => send([...input.files]);
  const area = make("label", "dropping", make("strong", "", words.drop), make("span", "more", words.choose), input);
  area.ondragover = (event) => event.preventDefault();
  area.ondrop = (event) => {
    event.preventDefault();
    send([...event.dataTransfer.files]);
  };
  const formats = Object.entries(files).map(([name, list]) => make("li", "", make("strong", "", name), `: ${list.join(", ")}`));
  return [area, labelled(make("p", "message", told), "role", "status"), make("ul", "formats", ...formats), note(words.privacy, "source")].filter((part) => part.textContent);
}

function split(value) {
  const { words, split: found } = value;
  const rows = [
    [words.impressions, number(found.impressions)],
    [words.readers, number(found.readers)],
    [words.stories, number(found.stories)],
    [words["mean clicks"], number(found.clicks, 1)],
    [words["mean candidates"], number(found.candidates, 1)],
    [words.labels, found.labelled ? words.yes : words.no],
  ];
  const skipped = found.skipped.length
    ? table(words.skipped, [{ name: words.what }, { name: "n", digits: 0 }, { name: words.first }], found.skipped.map(({ what, count, first }) => [what, count, first]), { visible: true })
    : note(words["nothing skipped"]);
  return [heading(words.data), make("div", "counts", table(words.data, [{ name: words.what }, { name: found.name }], rows)), skipped];
}

function models(value) {
  const { words, models: found } = value;
  if (!found.length) return [heading(words.models), note(value.common["no models"], "empty")];
  const columns = [{ name: value.common.model }, { name: words.role }, { name: words.layers, digits: 0 }, { name: words["language model"] }, { name: words.stage }, { name: words["trained on"] }, { name: words.heads }, { name: "SHA-256" }];
  const rows = found.map((model) => [model.name, model.role, model.layers, model["language model"], model.stage, model["trained on"], model.heads.join(", ") || "–", make("code", "", model.hash.slice(0, 12))]);
  return [heading(words.models), table(words.models, columns, rows)];
}

function about(value) {
  const { words } = value;
  return [
    heading(words.licences),
    ...words["licence lines"].map((line) => note(line, "small")),
    heading(words.cite),
    ...value.cited.map((name) => make("p", "small", words.citations[name])),
    heading(words.versions),
    note(value.versions.map((pair) => pair.join(" ")).join(" · "), "small"),
  ];
}

show((value) => {
  const { words } = value;
  const names = textbox(words["own models"], "", (found) => act("models", { names: found }), { go: words.load, placeholder: value.public ? words["hub names"] : words["folder or hub"] });
  return [
    heading(words.title),
    ...value.problems.map((problem) => labelled(note(problem, "problem"), "role", "alert")),
    value.own ? make("p", "actions", button(words.leave, () => act("leave"))) : "",
    ...split(value),
    ...models(value),
    heading(words["own data"]),
    make("div", "controls", ...dropping(value)),
    heading(words["own models title"]),
    make("div", "controls", names),
    note(words["models note"], "source"),
    ...about(value),
  ];
});
