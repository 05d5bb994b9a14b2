const DRAWN = { losses: lossCurves, teachers: teacherWeights, layers: layerSimilarity, conflicts: taskPulls, surgery: explorer, lora: adapters, results: resultTables };

show((value) => {
  const { words, options, models = [] } = value;
  const sections = choice(words.section, Object.keys(DRAWN).map((name) => [name, words.sections[name]]), options.section, (section) => act("set", { section }));
  const chooser = models.length > 1 ? choice(value.common.model, models.map((name) => [name, name]), value.model, (model) => act("set", { model })) : "";
  return [heading(words.title), make("div", "controls", sections), make("p", "small", words.about[options.section]), chooser ? make("div", "controls", chooser) : "", ...DRAWN[options.section](value)];
});
