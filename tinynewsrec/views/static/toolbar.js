const OPENED = "tinynewsrec.views"; // views kept in this browser

function address(query) {
  const { space } = props.value;
  return space ? `https://huggingface.co/spaces/${space}?${query}` : `${location.origin}${location.pathname}?${query}`;
}

// The address bar follows the page, so that a reload shows the same view.
function follow(query) {
  const kept = [...new URLSearchParams(location.search)].filter(([name]) => name.startsWith("__"));
  const wanted = new URLSearchParams(query);
  kept.forEach(([name, value]) => wanted.append(name, value));
  history.replaceState(null, "", `${location.pathname}?${wanted}`);
}

async function copyLink() {
  const { words, query, long } = props.value;
  if (long) return tell(words["too long"]);
  try {
    await navigator.clipboard.writeText(address(query));
    tell(words.copied);
  } catch {
    tell(`${words["copy failed"]} ${address(query)}`);
  }
}

function tell(text) {
  page.querySelector(".told").textContent = text;
}

// Reads a file that the user picks, and hands its JSON on; what is none is said.
function pick(onread) {
  const input = document.createElement("input");
  Object.assign(input, { type: "file", accept: ".json" });
  input.onchange = async () => {
    try {
      const read = JSON.parse(await input.files[0].text());
      if (!onread(read)) throw new Error();
    } catch {
      tell(props.value.words["bad file"]);
    }
  };
  input.click();
}

function openView({ query }) {
  if (typeof query === "string") act("open", { query });
  return typeof query === "string";
}

function saveView() {
  const { query, reproduce } = props.value;
  download("view.json", JSON.stringify({ query, reproduce }, null, 2), "application/json");
}

// Each in its own language, so that whoever reads no other finds it.
function languages({ words, languages: known, language }) {
  const made = choice(words.language, known, language, (chosen) => act("go", { language: chosen }));
  made.querySelector(".label").className = "unseen";
  return made;
}

function tools(value) {
  const { words } = value;
  return make(
    "div",
    "tools",
    languages(value),
    button(words.copy, copyLink),
    menu(words.export, ...exports(value), button(words.file, saveView), button(words["open file"], () => pick(openView))),
    menu(words.present, ...presentations(value)),
    labelled(labelled(button("?", () => showHelp(value)), "aria-label", words.help), "title", words.help),
    labelled(make("span", "told muted small"), "role", "status"),
  );
}

show((value) => {
  follow(value.query);
  document.documentElement.lang = value.language;
  queueMicrotask(() => beginTour(value));
  return [tools(value), ...presenter(value)];
});
