// Finds a driver or vehicle in a long list of choices while one types.
import { fold } from "./fold.js";

document.addEventListener("input", (event) => {
  if (!event.target.closest("[data-choice-search]")) return;
  const wanted = fold(event.target.value.trim());
  for (const choice of event.target.closest("fieldset").querySelectorAll("[data-choice]")) {
    choice.hidden = !fold(choice.dataset.choice).includes(wanted) && !choice.querySelector("input").checked;
  }
});

const show = () => document.querySelectorAll("[data-choice-search]").forEach((field) => { field.hidden = false; });
document.addEventListener("htmx:afterSettle", show);
show();
