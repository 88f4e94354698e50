// A list's filters apply by themselves: a word while one types it, all others when they change.
const WAIT_MS = 250;
let waiting;

const apply = (form) => form.dispatchEvent(new Event("refilter"));

document.addEventListener("input", (event) => {
  if (!event.target.matches("#filters [type='search']")) return;
  clearTimeout(waiting);
  waiting = setTimeout(() => apply(event.target.form), WAIT_MS);
});

document.addEventListener("change", (event) => {
  const form = event.target.form;
  // A search field that is left says `change` too, but its text is applied already.
  if (form?.id === "filters" && event.target.type !== "search") apply(form);
});

// An address holds only the filters that are set.
document.addEventListener("htmx:configRequest", (event) => {
  if (!event.detail.elt.matches("#filters, [hx-replace-url]")) return;
  for (const [name, value] of [...event.detail.formData]) {
    if (value === "") event.detail.formData.delete(name);
  }
});
