// Escape leaves a field. A search is taken back by it: Chromium empties the field anyway, but without a word to anybody.
export function leaveField(field) {
  if (field.type === "search" && field.value) {
    field.value = "";
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
  field.blur();
}
