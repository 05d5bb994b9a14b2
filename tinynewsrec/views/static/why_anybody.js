// How much of a score the mean reader would get too.
function anybodyPart({ words, common, models, shown }) {
  const said = words.anybody;
  const columns = [
    { name: common.model },
    { name: said.share, unit: "%", digits: 0 },
    { name: said.below, unit: said["of readers"], digits: 0 },
    { name: said.agreement, unit: said.tau, digits: 2 },
    ...["common a", "personal a", "common b", "personal b"].map((name) => ({ name: said[name], digits: 3 })),
  ];
  const rows = models.map(({ name }, place) => {
    const { share, below, agreement, common: all, personal } = shown.models[place];
    return [name, 100 * share, 100 * below, agreement, all[0], personal[0], all[1], personal[1]];
  });
  return [heading(said.title), note(said.intro), table(said.table, columns, rows), spreadOf(said, common, models, shown), note(fill(said.legend, shown))];
}

function spreadOf(said, common, models, shown) {
  const names = models.map(({ name }) => inert(name));
  const at = (place) => shown.models.map(({ spread }) => spread[place]);
  const own = shown.models.map(({ share }) => share);
  const box = { type: "box", x: names, lowerfence: at(0), q1: at(1), median: at(2), q3: at(3), upperfence: at(4), name: fill(said.spread, shown), hoverinfo: "y" };
  const reader = { type: "scatter", mode: "markers", x: names, y: own, name: said.this, marker: { symbol: "diamond", size: 13, color: PALETTE[1] } };
  const columns = [{ name: common.model }, ...shown.percents.map((percent) => ({ name: `${percent} %`, digits: 2 })), { name: said.this, digits: 2 }];
  const rows = models.map(({ name }, place) => [name, ...shown.models[place].spread, own[place]]);
  const title = fill(said.chart, shown);
  return plot(title, [box, reader], { yaxis: { title: { text: said.axis }, range: [0, 1] } }, { height: 320, twin: table(title, columns, rows) });
}
