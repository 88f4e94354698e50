// The board by keyboard: / search, J and K move, Enter open, A assign, Esc close, ? help.
export function startKeyboard(body) {
  const drawer = document.getElementById("drawer");
  const keys = document.querySelector("[data-keys]");
  const selected = () => body.querySelector('tr[aria-selected="true"]');

  function select(row) {
    if (!row) return;
    const old = selected();
    if (old) old.ariaSelected = "false";
    row.ariaSelected = "true";
    row.querySelector(".rowlink").focus();
    row.scrollIntoView({ block: "nearest" });
  }
  function close() {
    drawer.replaceChildren();
    selected()?.querySelector(".rowlink").focus();
  }

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-close-drawer]")) close();
    const row = event.target.closest("tr[data-id]");
    if (row && body.contains(row)) {
      const old = selected();
      if (old) old.ariaSelected = "false";
      row.ariaSelected = "true";
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, dialog")) return;
    const row = selected();
    switch (event.key) {
      case "/": event.preventDefault(); document.getElementById("q").focus(); break;
      case "j": select(row ? row.nextElementSibling : body.rows[0]); break;
      case "k": select(row ? row.previousElementSibling : body.rows[body.rows.length - 1]); break;
      case "a": if (row) location.href = `/deliveries/${row.dataset.id}#assign`; break;
      case "?": keys.showModal(); break;
      default:
    }
  });
}
