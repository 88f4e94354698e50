// What htmx leaves to us: say when a request failed, and put the focus on an error that was swapped in.
import { showToast } from "./toasts.js";

// What asks again by itself says once that it is old, rather than complain at each try.
function saysSoItself(event) {
  const note = event.detail.elt?.querySelector(":scope > [data-stale-note]");
  if (note) note.hidden = false;
  return Boolean(note);
}

document.addEventListener("htmx:responseError", (event) => {
  if (saysSoItself(event)) return;
  const page = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html");
  const said = [...page.querySelectorAll("#main h1, #main h1 + p")].map((element) => element.textContent.trim());
  showToast(said.join(". ").replaceAll("..", ".") || "That didn't work. Load the page again, then try once more.");
});

document.addEventListener("htmx:sendError", (event) => {
  if (saysSoItself(event)) return;
  showToast("Waybill can't be reached. Try again in a moment; nothing is done twice.");
});

document.addEventListener("htmx:afterSettle", (event) => {
  const error = event.target.querySelector?.("[data-error-summary], [aria-invalid='true']");
  if (error) {
    error.focus();
    error.scrollIntoView({ block: "nearest" });
  } else if (document.activeElement === document.body) {
    document.getElementById("page")?.focus({ preventScroll: true }); // the button that was pressed is gone
  }
});
