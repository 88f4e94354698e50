// Links and forms that lead to the board of another day or time keep what is looked for and what is open now, which may be
// something else than when the server wrote them. data-keeps names the parameters of the address that go along.
const keepers = (selector) => `${selector}[data-keeps]`;

function keep({ dataset }, put) {
  const { searchParams } = new URL(location.href);
  for (const name of dataset.keeps.split(" ")) put(name, searchParams.get(name));
}

// Put right before somebody can follow it, open it in a tab of its own or copy it.
function putRight({ target }) {
  const link = target.closest?.(keepers("a"));
  if (!link) return;
  const url = new URL(link.href);
  keep(link, (name, value) => {
    if (value) url.searchParams.set(name, value);
    else url.searchParams.delete(name);
  });
  link.href = url.pathname + url.search.replaceAll("%2C", ",");
}
for (const name of ["pointerover", "focusin", "click"]) document.addEventListener(name, putRight, true);

document.addEventListener("formdata", ({ target, formData }) => {
  if (!target.matches(keepers("form"))) return;
  keep(target, (name, value) => {
    if (value) formData.set(name, value);
    else formData.delete(name);
  });
});
