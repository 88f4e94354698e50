// What somebody chose or typed before the page's scripts listened, nobody has heard: it is said again once they do.
const FIELDS = "#filters :is(input, select), select[hx-get], input[type='search']";

function isChanged(field) {
  if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
  if (!field.matches("select")) return field.value !== field.defaultValue;
  const first = [...field.options].findIndex((option) => option.defaultSelected);
  return field.selectedIndex !== Math.max(first, 0);
}

// After htmx, which is told of the same moment before us.
document.addEventListener("DOMContentLoaded", () => {
  for (const field of [...document.querySelectorAll(FIELDS)].filter(isChanged)) {
    field.dispatchEvent(new Event(field.type === "search" ? "input" : "change", { bubbles: true }));
  }
});
