// The drawer beside the list: what is selected, and by which keys. The open delivery is part of the address.
import { list, select } from "./board-rows.js";
import { showAges } from "./board-ages.js";

const drawer = () => document.getElementById("drawer");
const rowOf = (id) => document.getElementById(`d-${id}`);
const selected = () => list().querySelector("tr.is-selected");
export const opened = () => drawer().querySelector("[data-glance]")?.dataset.glance ?? null;

// One selection for all panes. Each tells the others by a board:select event on the document, with the delivery's id (or
// null) and the pane it comes from; it is part of the address.
let chosen = new URL(location.href).searchParams.get("selected");

function tell(id) {
  if (id === chosen) return;
  chosen = id;
  remember("selected", id);
  document.dispatchEvent(new CustomEvent("board:select", { detail: { id, from: "list" } }));
}

document.addEventListener("board:select", ({ detail: { id, from } }) => {
  if (from === "list") return;
  chosen = id;
  remember("selected", id);
  const row = id ? rowOf(id) : null;
  choose(row);
  row?.scrollIntoView({ block: "nearest" });
  if (row) row.querySelector(".rowlink").click();
  else if (!id) close();
});

function choose(row) {
  if (row) tell(row.dataset.id);
  const old = selected();
  if (old) {
    old.classList.remove("is-selected");
    old.querySelector(".rowlink").removeAttribute("aria-current");
  }
  if (row) select(row);
}

function remember(name, id) {
  const url = new URL(location.href);
  if (id) url.searchParams.set(name, id);
  else url.searchParams.delete(name);
  history.replaceState(history.state, "", url);
}

function close() {
  const had = drawer().contains(document.activeElement);
  drawer().replaceChildren();
  remember("delivery", null);
  if (had) selected()?.querySelector(".rowlink").focus({ preventScroll: true });
}

// Mark again what is open, after the list was loaded anew.
export function adoptSelection() {
  const id = opened() ?? chosen;
  choose(id ? rowOf(id) : null);
  remember("delivery", opened());
  remember("selected", id);
}

// The open delivery changed: show it as it is now. Asked in the background, so that a failure disturbs nobody.
export async function refreshDrawer(ids) {
  const id = opened();
  if (!id || !ids.includes(id)) return;
  const response = await fetch(`/board/deliveries/${id}/drawer`, { headers: { "HX-Request": "true" } }).catch(() => null);
  if (!response?.ok || opened() !== id) return;
  const focused = drawer().contains(document.activeElement) ? document.activeElement.id : null;
  const top = drawer().scrollTop;
  drawer().innerHTML = await response.text();
  drawer().scrollTop = top;
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  showAges();
}

function move(step) {
  const rows = [...list().querySelectorAll("tbody tr")];
  const at = rows.indexOf(selected());
  const row = at < 0 ? rows[step > 0 ? 0 : rows.length - 1] : rows[at + step];
  if (!row) return;
  choose(row);
  const link = row.querySelector(".rowlink");
  link.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
  if (opened()) link.click();
}

// With Ctrl, Cmd or Shift a link opens in another tab, as links do; htmx must not see that click.
document.addEventListener("click", (event) => {
  if ((event.ctrlKey || event.metaKey || event.shiftKey) && event.target.closest(".rowlink")) event.stopPropagation();
}, true);

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-close-drawer]")) close();
  if (event.target.closest("[data-show-keys]")) document.querySelector("[data-keys]").showModal();
  const row = event.target.closest("#board-list tbody tr");
  if (!row) return;
  if (event.target.closest(".rowlink")) choose(row);
  else if (!event.target.closest("a, button") && !getSelection().toString()) row.querySelector(".rowlink").click();
});

// After a click or Enter the drawer has the focus, so that its buttons are near; while J and K walk, the list keeps it.
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target?.id !== "drawer") return;
  remember("delivery", opened());
  showAges();
  const walks = event.detail.requestConfig?.triggeringEvent?.isTrusted === false;
  if (!walks) document.getElementById("glance-title")?.focus({ preventScroll: true });
});

document.addEventListener("keydown", (event) => {
  if (!list() || document.querySelector("dialog[open]")) return;
  const isTyping = event.target.closest("input, select, textarea");
  if (event.key === "Escape") {
    if (isTyping) event.target.blur();
    else if (opened()) close();
  }
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  const row = selected();
  switch (event.key.toLowerCase()) {
    case "/": event.preventDefault(); document.getElementById("q").select(); break;
    case "j": move(1); break;
    case "k": move(-1); break;
    case "enter": if (row && event.target === document.body) row.querySelector(".rowlink").click(); break;
    case "a": if (row) location.assign(`/deliveries/${row.dataset.id}#assign`); break;
    case "?": document.querySelector("[data-keys]").showModal(); break;
    default:
  }
});
