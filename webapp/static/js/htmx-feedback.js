// What htmx leaves to us: say when a request failed, and put the focus on an error that was swapped in.
import { showToast } from "./toasts.js";

document.addEventListener("htmx:responseError", (event) => {
  const page = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html");
  const said = [...page.querySelectorAll("#main h1, #main h1 + p")].map((element) => element.textContent.trim());
  showToast(said.join(". ").replaceAll("..", ".") || "That didn't work. Load the page again, then try once more.");
});

document.addEventListener("htmx:sendError", () => {
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
