// The drawer beside the panes: one delivery at a glance. The open delivery is part of the address, as ?delivery=.
import { askForAnswer } from "./board-ask.js";
import { list } from "./board-rows.js";
import { board, remember, select, selectedId } from "./board-selection.js";
import { showAges } from "./board-ages.js";
import { clock } from "./clock.js";
import { showToast } from "./toasts.js";

const NOT_TO_BE_SHOWN = [403, 404];

const drawer = () => document.getElementById("drawer");
export const opened = () => drawer().querySelector("[data-glance]")?.dataset.glance ?? null;

// What the drawer shows of it: "drawer", the delivery at a glance, or "assign", who takes it.
const side = () => drawer().querySelector("[data-glance]")?.dataset.side ?? "drawer";

let asked = null; // the newest answer counts, not the last to arrive
let askedFrom = null; // where the focus goes back to

const ask = (id, side) => askForAnswer(`/board/deliveries/${id}/${side}`);

function show(html) {
  drawer().innerHTML = html;
  window.htmx?.process(drawer());
  showAges(drawer());
}

function focusFirst() {
  (drawer().querySelector("select") ?? document.getElementById("glance-title"))?.focus({ preventScroll: true });
}

export async function openDrawer(id, takesFocus = true, wantedSide = "drawer") {
  asked = id;
  if (takesFocus && !drawer().contains(document.activeElement)) askedFrom = document.activeElement;
  const { found, status } = await ask(id, wantedSide);
  if (asked !== id) return;
  if (found === null) {
    if (NOT_TO_BE_SHOWN.includes(status)) location.assign(`/deliveries/${id}`); // its page says what is the matter
    else showToast(`Waybill can't be reached, so this delivery can't be opened. The list is as of ${clock(Date.parse(list().dataset.goodAt), list().dataset.zone, true)}.`);
    return;
  }
  show(found);
  remember({ delivery: id, selected: id });
  if (takesFocus) focusFirst();
}

export function openAssign(id) {
  if (id !== selectedId()) select(id, "drawer");
  return openDrawer(id, true, "assign");
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

// The open delivery changed: show it as it is now. Asked in the background, so that a failure disturbs nobody. Who is just
// choosing isn't disturbed either: what the form replaces goes with it, and is refused if it is no longer so.
export async function refreshDrawer(ids) {
  const id = opened();
  if (!id || !ids.includes(id) || isAnswering()) return;
  const shown = drawer().firstElementChild;
  const { found } = await ask(id, side());
  if (found === null || drawer().firstElementChild !== shown || isAnswering()) return;
  const focused = drawer().contains(document.activeElement) ? document.activeElement.id : null;
  const top = drawer().scrollTop;
  show(found);
  drawer().scrollTop = top;
  if (focused) (document.getElementById(focused) ?? document.getElementById("glance-title"))?.focus({ preventScroll: true });
}

const shownFirst = ({ options }) => [...options].find((option) => option.defaultSelected) ?? options[0];
const isTouched = (field) => field.value !== shownFirst(field).value;
const isAnswering = () => drawer().querySelector("[data-error-summary], .htmx-request") || [...drawer().querySelectorAll("select")].some(isTouched);

document.addEventListener("board:select", ({ detail }) => {
  if (detail.opens && detail.id) openDrawer(detail.id);
  else if (detail.id && opened() && opened() !== detail.id) openDrawer(detail.id, false); // J and K walk with it open
});

document.addEventListener("click", (event) => {
  if (!board() || event.defaultPrevented) return;
  if (event.target.closest("[data-close-drawer]")) closeDrawer();
  else if (event.target.closest("[data-glance-back]")) openDrawer(opened());
  const link = event.target.closest("a[data-assign]");
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  openAssign(link.dataset.assign);
});

// What was sent from the drawer (or the toast's Undo) is answered into it.
document.addEventListener("htmx:afterSettle", (event) => {
  if (!board() || event.target !== drawer()) return;
  showAges(drawer());
  if (document.activeElement === document.body) focusFirst();
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.elt.matches?.("[data-undo]")) event.detail.elt.closest(".toast-box")?.remove();
});
