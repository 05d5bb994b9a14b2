// Brings what the server tells of a slow run to the page.
watch("value", () => document.dispatchEvent(new CustomEvent("progress", { detail: props.value })));
