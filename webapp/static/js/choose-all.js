// One box that chooses all of a list, and how many are chosen.
const boxes = (form) => [...form.querySelectorAll("tbody input[type=checkbox]")];

function refresh(form) {
  const chosen = boxes(form).filter((box) => box.checked).length;
  const all = form.querySelector("[data-choose-all] input");
  for (const count of form.querySelectorAll("[data-chosen-count]")) count.textContent = chosen ? ` (${chosen})` : "";
  if (!all) return;
  all.closest("[data-choose-all]").hidden = false;
  all.checked = chosen > 0 && chosen === boxes(form).length;
  all.indeterminate = chosen > 0 && !all.checked;
}

document.addEventListener("change", (event) => {
  const form = event.target.closest("[data-choose]");
  if (!form) return;
  if (event.target.closest("[data-choose-all]")) {
    for (const box of boxes(form)) box.checked = event.target.checked;
  }
  refresh(form);
});

const refreshAll = () => document.querySelectorAll("[data-choose]").forEach(refresh);
document.addEventListener("htmx:afterSettle", refreshAll);
refreshAll();
