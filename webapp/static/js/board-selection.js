// One selection over all panes. It is the seam between them: whoever selects dispatches on the element #board
//   new CustomEvent("board:select", { bubbles: true, detail: { id, source, opens } })
// (or calls select below): `id` a delivery's id or null, `source` the pane that says it ("list", "map", "timeline",
// "drawer"), `opens` whether the drawer shows it too. Every pane listens on document, marks the delivery and, unless
// it is the source, brings it into view. The address keeps it as ?selected=.
// The others of the board's events, dispatched on #board as well:
//   board:rows     { rows: [{ id, row, bar }] }  rows that were pushed, row null where a delivery left the board
//   board:changed  { ids, fixes }                the same in short, with the drivers' new positions
//   board:filtered {}                            other filters or words are looked for, see isWanted in board-rows.js
//   board:loaded   {}                            the list was loaded anew
//   board:panes    { panes }                     other panes are shown
export const board = () => document.getElementById("board");

export function tell(name, detail = {}) {
  board()?.dispatchEvent(new CustomEvent(`board:${name}`, { bubbles: true, detail }));
}

export const selectedId = () => board()?.dataset.selected || null;

export function select(id, source, opens = false) {
  tell("select", { id, source, opens });
}

// Changes some parameters of the address without a step that Back would take back.
export function remember(changes) {
  const url = new URL(location.href);
  for (const [name, value] of Object.entries(changes)) {
    if (value) url.searchParams.set(name, value);
    else url.searchParams.delete(name);
  }
  const search = url.searchParams.toString().replaceAll("%2C", ",");
  history.replaceState(history.state, "", url.pathname + (search ? `?${search}` : "") + url.hash);
}

let timer;
document.addEventListener("board:select", ({ detail }) => {
  board().dataset.selected = detail.id ?? "";
  clearTimeout(timer); // browsers allow only so many changes of the address a minute; J held down makes more
  timer = setTimeout(() => { if (board()) remember({ selected: selectedId() }); }, 150);
}, true);
