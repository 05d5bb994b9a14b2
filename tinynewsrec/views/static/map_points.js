// All points and titles, fetched once, and where each is shown.
const FINEST = 32767; // coordinates from -1 to 1 travel as 16-bit whole numbers
const MOST_MOVING = 6_000; // points that are drawn anew many times a second
const map = { div: null, points: null, titles: null, share: 0, moving: false, drag: "pan", range: null, drawn: {}, waiting: false };
const fetched = new Map();

function fetchOnce(path, read) {
  if (!fetched.has(path)) {
    const answer = fetch(`gradio_api/file=${encodeURI(path)}`).then((found) => {
      if (!found.ok) throw new Error(`${found.status} ${path}`);
      return read(found);
    });
    fetched.set(path, answer);
  }
  return fetched.get(path);
}

function unpack(buffer, { models, stories }) {
  const whole = new Int16Array(buffer);
  const scaled = (start, length, scale) => Float32Array.from(whole.subarray(start, start + length), (found) => (found / FINEST) * scale);
  const each = 2 * models * stories;
  return {
    stories,
    own: scaled(0, each, 1),
    shared: scaled(each, each, 1),
    moved: scaled(2 * each, models * stories, 2),
    groups: whole.subarray(2 * each + models * stories),
  };
}

// Fetches what is missing, then draws again: points first, titles for the pointer after them.
function loaded(value) {
  const { file, titles } = value.points;
  if (map.points?.file !== file) {
    Object.assign(map, { points: null, titles: null, drawn: {} });
    fetchOnce(file, (found) => found.arrayBuffer()).then((buffer) => {
      map.points = { file, ...unpack(buffer, value.points) };
      redraw();
      fetchOnce(titles, (found) => found.json()).then((list) => {
        Object.assign(map, { titles: list, drawn: {} });
        redraw();
      });
    });
  }
  return Boolean(map.points);
}

function layer(value, model) {
  const { stories } = map.points;
  const table = value.map.space === "shared" ? map.points.shared : map.points.own;
  return table.subarray(2 * model * stories, 2 * (model + 1) * stories);
}

// Where a row is shown, `share` of the way from the teacher's point to the student's.
function shownAt(value, row, share = map.share) {
  const [start, end] = [layer(value, value.map.start), layer(value, value.map.end)];
  const between = (axis) => start[2 * row + axis] + share * (end[2 * row + axis] - start[2 * row + axis]);
  return [between(0), between(1)];
}

function rowsOfGroups(value) {
  const rows = value.points.groups.map(() => []);
  map.points.groups.forEach((group, row) => rows[group].push(row));
  return rows;
}

// Of each group's rows those that are drawn: while points move, so many that they move smoothly.
function drawnOf(rows) {
  const step = map.moving ? Math.ceil(map.points.stories / MOST_MOVING) : 1;
  return step === 1 ? rows : rows.filter((_, place) => place % step === 0);
}

function pointSize() {
  return map.points.stories > 20_000 ? 3 : map.points.stories > 5_000 ? 4.5 : 7;
}
