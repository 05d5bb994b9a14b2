show((value) => value.texts.map((text) => labelled(make("p", "message", text), "role", "status")));
