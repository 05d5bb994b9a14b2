show((value) => {
  if (!value.text) return [];
  const message = labelled(make("p", "message", value.text), "role", "status");
  if (value.near) {
    const button = make("button", "more", value.offer);
    button.onclick = () => trigger("accept", { id: value.near });
    message.append(" ", button);
  }
  return [message];
});
