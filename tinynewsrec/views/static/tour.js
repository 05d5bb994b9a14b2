// A few notes on the first visit, beside the page and never in its way.
const TOURED = "tinynewsrec.toured";
let note_shown = null; // false once the tour is over
let note_place = 0;

function beginTour(value) {
  const wanted = note_shown === null ? !localStorage.getItem(TOURED) : note_shown && note_shown.lang !== value.language;
  if (wanted) showNote(value, note_place);
}

function showNote(value, place) {
  endNote();
  note_place = place;
  const { words } = value;
  const [target, text] = words.tour[place];
  const last = place === words.tour.length - 1;
  const aimed = target ? document.querySelector(target) : null;
  if (aimed) aimed.classList.add("toured");
  note_shown = make(
    "aside",
    "drawn tour",
    make("p", "", text),
    make("p", "actions", button(last ? words["tour end"] : words["tour next"], () => (last ? endTour() : showNote(value, place + 1))), last ? "" : button(words["tour skip"], endTour)),
  );
  labelled(labelled(note_shown, "role", "status"), "lang", value.language);
  document.querySelector(".gradio-container").append(note_shown);
}

function endNote() {
  document.querySelectorAll(".toured").forEach((aimed) => aimed.classList.remove("toured"));
  note_shown?.remove?.();
}

function endTour() {
  endNote();
  note_shown = false;
  localStorage.setItem(TOURED, "1");
}
