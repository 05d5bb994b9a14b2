show((value) => {
  const classes = value.columns.map(({ number }) => (number ? "number" : ""));
  const head = value.columns.map(({ name, unit }, place) =>
    labelled(make("th", classes[place], name, unit && make("span", "layers", unit)), "scope", "col"),
  );
  const rows = value.rows.map((row) =>
    make("tr", "", ...row.map((text, place) => (place ? make("td", classes[place], text) : labelled(make("th", "", text), "scope", "row")))),
  );
  const table = make("table", "plain", make("caption", "unseen", value.caption), make("thead", "", make("tr", "", ...head)), make("tbody", "", ...rows));
  const scroller = labelled(make("div", "scroller", table), "tabindex", "0");
  const hint = make("p", "source", "Scroll the table sideways for more columns \u2192");
  new ResizeObserver(() => {
    hint.hidden = scroller.scrollWidth <= scroller.clientWidth;
  }).observe(scroller);
  return [
    hint,
    scroller,
    ...value.notes.map(({ kind, text }) => make("p", kind, text)),
  ];
});
