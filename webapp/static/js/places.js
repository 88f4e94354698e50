// Suggests places while one types: the options of the page's datalist follow the text.
const WAIT_MS = 200;
let waiting;

document.addEventListener("input", (event) => {
  const input = event.target;
  const list = document.getElementById("places");
  // Choosing a suggestion is an input event too; it needs no new suggestions.
  if (!list || !input.matches("[data-places]") || event.inputType === "insertReplacementText") return;
  clearTimeout(waiting);
  waiting = setTimeout(() => suggest(input.value, list), WAIT_MS);
});

async function suggest(text, list) {
  try {
    const answer = await fetch(`/routes/places?q=${encodeURIComponent(text)}`);
    if (answer.ok && !answer.redirected) list.innerHTML = await answer.text();
  } catch {
    // Without suggestions one types the whole name.
  }
}
