// Keys for the whole page; none works while something is being typed.
function typing(event) {
  return event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input:not([type=range]), textarea, select, [contenteditable]");
}

// Lists mark their items with class "item" and a button or link inside; the current one has aria-current.
function step(by) {
  const items = [...openTab().querySelectorAll(".item")];
  if (!items.length) return;
  const here = items.findIndex((item) => item.contains(document.activeElement) || item.getAttribute("aria-current") === "true");
  const item = items[(here + by + items.length) % items.length];
  (item.matches("button, a, input") ? item : item.querySelector("button, a, input"))?.focus();
}

function showHelp(value) {
  const { words } = value;
  const rows = words.keys.map(([keys, text]) => make("div", "", make("dt", "", make("kbd", "", keys)), make("dd", "", text)));
  const dialog = make("dialog", "drawn help", heading(words["keys title"]), make("dl", "", ...rows), note(words.about, "small"));
  const again = button(words.again, () => {
    dialog.close();
    showNote(value, 0);
  });
  dialog.append(make("p", "actions", button(words.close, () => dialog.close()), again));
  labelled(dialog, "aria-label", words["keys title"]);
  dialog.onclose = () => dialog.remove();
  document.querySelector(".gradio-container").append(dialog);
  dialog.showModal();
}

function otherLanguage(value) {
  const names = value.languages.map(([name]) => name);
  return names[(names.indexOf(value.language) + 1) % names.length];
}

const KEYS = {
  c: () => copyLink(),
  e: async (value) => download(`${value.tab}.html`, await slide(), "text/html"),
  l: (value) => act("go", { language: otherLanguage(value) }),
  p: (value) => (playing ? endPresenting() : play(keptViews().length ? keptViews() : value.stories[0].steps)),
  j: () => step(1),
  k: () => step(-1),
  "?": (value) => showHelp(value),
  Escape: () => playing && endPresenting(),
  ArrowRight: () => playing && turn(1),
  ArrowLeft: () => playing && turn(-1),
};

document.addEventListener("keydown", (event) => {
  const value = props.value;
  if (!value || typing(event) || document.querySelector("dialog[open]")) return;
  const tab = /^[1-9]$/.test(event.key) ? value.tabs[Number(event.key) - 1] : null;
  if (tab) act("go", { tab: tab[0] });
  else if (Object.hasOwn(KEYS, event.key)) KEYS[event.key](value);
});
