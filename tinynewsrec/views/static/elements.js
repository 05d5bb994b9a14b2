// Builds elements; text is only ever set as text.
const page = element.querySelector(".drawn");

function make(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

function labelled(made, name, value) {
  made.setAttribute(name, value);
  return made;
}

function show(draw) {
  const redraw = () => page.replaceChildren(...(props.value ? draw(props.value) : []));
  redraw();
  watch("value", redraw);
}
