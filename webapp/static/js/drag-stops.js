// Checkpoints are put into another order by dragging; without a mouse the arrows in each row do it.
import "../vendor/sortablejs@1.15.7/Sortable.min.js";

const { Sortable } = globalThis;
let sortable = null;

function show() {
  const form = document.getElementById("order-form");
  if (!form || form === sortable?.form) return;
  sortable?.rows.destroy();
  const rows = Sortable.create(document.querySelector(".stoptable tbody"), {
    draggable: "[data-stop]",
    dataIdAttr: "data-stop",
    handle: "[data-grip]",
    forceFallback: true, // a browser's own dragging knows no touch and shows a picture of the row as it was
    animation: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 120,
    onUpdate: () => {
      form.elements.order.value = rows.toArray().join(",");
      form.requestSubmit();
    },
  });
  const before = rows.toArray();
  // An answer brings the rows anew. Without one nothing has changed, and the rows must not look as if it had.
  for (const failure of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) form.addEventListener(failure, () => rows.sort(before, true));
  for (const grip of document.querySelectorAll("[data-grip]")) grip.hidden = false;
  sortable = { form, rows };
}

document.addEventListener("htmx:afterSettle", show);
document.addEventListener("htmx:historyRestore", show);
show();
