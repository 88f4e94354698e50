// Which panes are shown: part of the address as ?panes=, the most important first, and remembered in a cookie. What is
// shown where there is room for fewer is up to the style sheet, by data-first, -second and -third.
import { board, remember, tell } from "./board-selection.js";

const CAN_COME_LATER = ["timeline"]; // others are there from the start or come with a new page
const shown = () => board().dataset.panes.split(" ").filter(Boolean);

function show(panes) {
  const data = board().dataset;
  data.panes = panes.join(" ");
  [data.first, data.second, data.third] = [panes[0], panes[1] ?? "", panes[2] ?? ""];
  document.cookie = `board_panes=${panes.join(",")};path=/;max-age=31536000;samesite=lax`;
  remember({ panes: panes.join(",") });
  for (const item of document.querySelectorAll("[data-pane-item]")) item.dataset.place = panes.indexOf(item.dataset.paneItem) + 1;
  tell("panes", { panes });
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-pane-item] a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  const item = link.parentElement, pane = item.dataset.paneItem, others = shown().filter((other) => other !== pane);
  const hides = link.classList.contains("hide");
  const isEmpty = pane !== "list" && board().querySelector(`[data-pane="${pane}"]`)?.childElementCount === 0;
  if (!hides && isEmpty && !CAN_COME_LATER.includes(pane)) {
    const url = new URL(location.href);
    url.searchParams.set("panes", [pane, ...others].join(","));
    event.preventDefault();
    location.assign(url);
    return;
  }
  event.preventDefault();
  if (hides && !others.length) return; // the last one stays
  show(hides ? others : [pane, ...others]);
  const counterpart = item.querySelector(hides ? ".show" : ".hide");
  if (link.offsetParent === null) counterpart.focus(); // the pressed one has gone
});
