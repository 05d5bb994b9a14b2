// A story as a headline with its topic, and numbers of things as the page's language says them.
function topic({ category, subcategory }) {
  return make("span", "topic", make("span", "category", category), subcategory && ` · ${subcategory}`);
}

function plural(words, count) {
  return fill(count === 1 ? words.one : words.many, { n: number(count) });
}

// Times of the data have no time zone, so they are shown as they were written.
function moment(iso) {
  if (!iso) return props.value.words["time unknown"];
  const style = { day: "2-digit", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", hour12: false, timeZone: "UTC" };
  return new Intl.DateTimeFormat(props.value.language, style).format(new Date(`${iso}Z`));
}
