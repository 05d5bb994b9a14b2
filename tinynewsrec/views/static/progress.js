show((value) => {
  const bar = labelled(make("progress"), "aria-label", value.text);
  if (value.total) Object.assign(bar, { max: value.total, value: value.done });
  const made = make(
    "div",
    "running",
    labelled(make("span", "", value.text), "role", value.close ? "alert" : "status"),
    value.close ? "" : bar,
    value.close ? button(value.close, () => act("close")) : button(value.stop, () => act("stop")),
  );
  return [made];
});
