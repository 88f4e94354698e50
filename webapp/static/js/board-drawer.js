// The drawer beside the panes: one delivery at a glance. The open delivery is part of the address, as ?delivery=.
import { askForText } from "./board-ask.js";
import { list } from "./board-rows.js";
import { board, remember, select, selectedId } from "./board-selection.js";
import { showAges } from "./board-ages.js";

const drawer = () => document.getElementById("drawer");
export const opened = () => drawer().querySelector("[data-glance]")?.dataset.glance ?? null;

let asked = null; // the newest answer counts, not the last to arrive
let askedFrom = null; // where the focus goes back to

const glance = (id) => askForText(`/board/deliveries/${id}/drawer`);

function show(html) {
  drawer().innerHTML = html;
  window.htmx?.process(drawer());
  showAges();
}

export async function openDrawer(id, takesFocus = true) {
  asked = id;
  if (takesFocus && !drawer().contains(document.activeElement)) askedFrom = document.activeElement;
  const html = await glance(id);
  if (asked !== id) return;
  if (html === null) {
    location.assign(`/deliveries/${id}`); // its page says what is the matter
    return;
  }
  show(html);
  remember({ delivery: id, selected: id });
  if (takesFocus) document.getElementById("glance-title")?.focus({ preventScroll: true });
}

export function closeDrawer() {
  const had = drawer().contains(document.activeElement);
  asked = null;
  drawer().replaceChildren();
  remember({ delivery: null });
  if (!had) return;
  const row = list().querySelector("tr.is-selected .rowlink");
  const back = askedFrom?.isConnected && askedFrom !== document.body ? askedFrom : row;
  back?.focus({ preventScroll: true });
}

// Mark again what is selected, after the list was loaded anew.
export function adoptSelection() {
  select(opened() ?? selectedId(), "address");
  if (opened()) remember({ delivery: opened() });
}

// The open delivery changed: show it as it is now. Asked in the background, so that a failure disturbs nobody.
export async function refreshDrawer(ids) {
  const id = opened();
  if (!id || !ids.includes(id)) return;
  const html = await glance(id);
  if (html === null || opened() !== id) return;
  const focused = drawer().contains(document.activeElement) ? document.activeElement.id : null;
  const top = drawer().scrollTop;
  show(html);
  drawer().scrollTop = top;
  if (focused) (document.getElementById(focused) ?? document.getElementById("glance-title"))?.focus({ preventScroll: true });
}

document.addEventListener("board:select", ({ detail }) => {
  if (detail.opens && detail.id) openDrawer(detail.id);
  else if (detail.id && opened() && opened() !== detail.id) openDrawer(detail.id, false); // J and K walk with it open
});

document.addEventListener("click", (event) => {
  if (board() && event.target.closest("[data-close-drawer]")) closeDrawer();
});
