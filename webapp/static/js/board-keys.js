// The board's keys. They are listed in the help dialog (key ?) of board/show.html.
import { list } from "./board-rows.js";
import { board, select, selectedId } from "./board-selection.js";
import { closeDrawer, openAssign, opened } from "./board-drawer.js";
import { actOnMany, chooseNone, chosenIds, chooseRow } from "./board-many.js";
import { leaveField } from "./leave-field.js";

const help = () => document.querySelector("[data-keys]");
const rowOf = (id) => document.getElementById(`d-${id}`);

function move(step) {
  let row = rowOf(selectedId());
  if (row?.hidden) row = null;
  const next = step > 0 ? "nextElementSibling" : "previousElementSibling";
  if (row) {
    do row = row[next]; while (row?.hidden);
  } else {
    const shown = list().querySelectorAll("tbody tr:not([hidden])");
    row = shown[step > 0 ? 0 : shown.length - 1];
  }
  if (!row) return;
  select(row.dataset.id, "keys");
  row.querySelector(".rowlink").focus({ preventScroll: true });
}

function escape(isTyping, target) {
  if (isTyping) leaveField(target);
  else if (opened()) closeDrawer();
  else if (chosenIds().length) chooseNone();
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-show-keys]")) help().showModal();
});

document.addEventListener("keydown", (event) => {
  if (!board() || document.querySelector("dialog[open]")) return;
  const isTyping = event.target.closest?.("input:not([type=checkbox]), select, textarea");
  if (event.key === "Escape") escape(isTyping, event.target);
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  const id = selectedId();
  switch (event.key.toLowerCase()) {
    case "/": event.preventDefault(); document.getElementById("q").select(); break;
    case "j": move(1); break;
    case "k": move(-1); break;
    case "x": if (id && rowOf(id)) chooseRow(rowOf(id), event.shiftKey); break;
    case "enter": if (id && event.target === document.body) select(id, "keys", true); break;
    case "a":
      event.preventDefault();
      if (chosenIds().length) actOnMany("driver");
      else if (id) openAssign(id);
      break;
    case "?": help().showModal(); break;
    default:
  }
});
