// Items behind a label; what is not clicked closes with the next click or with Escape.
function menu(label, ...items) {
  const made = details(label, make("div", "menu", ...items));
  made.className = "dropdown";
  made.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    made.open = false;
    made.querySelector("summary").focus();
  });
  made.addEventListener("click", (event) => {
    if (event.target.closest("button")) made.open = false;
  });
  return made;
}

document.addEventListener("click", (event) => {
  page.querySelectorAll("details.dropdown[open]").forEach((menu) => menu.contains(event.target) || (menu.open = false));
});
