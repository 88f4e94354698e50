// Sums up a proof while it is made, and asks for the signature before anything is sent.
const form = document.querySelector("[data-proof]");
const summary = form.querySelector("[data-summary]");
const error = form.querySelector("[data-signature-error]");
const picture = form.querySelector("[data-signature-picture]");

const isSigned = () => form.elements.signature.value !== "" || form.elements.signature_file.files.length > 0;

function sumUp() {
  const name = form.elements.receiver_name.value.trim();
  const photos = form.elements.photos.files.length;
  const said = [name && `${name} (${form.elements.delivered_to.value.toLowerCase()})`, isSigned() ? "signed" : "not signed yet", photos && `${photos} photo${photos > 1 ? "s" : ""}`];
  summary.textContent = said.filter(Boolean).join(" · ");
  summary.hidden = !name;
  if (isSigned()) error.hidden = true;
}

form.addEventListener("submit", (event) => {
  if (isSigned()) return;
  event.preventDefault();
  event.stopPropagation(); // nothing was sent, so the page's guard against double taps must not count this
  error.hidden = false;
  form.querySelector("[data-signature]").scrollIntoView({ block: "center" });
});

form.querySelector("[data-use-picture]").addEventListener("click", () => {
  picture.querySelector(".field").hidden = false;
  picture.querySelector("input").click();
});
for (const name of ["input", "change", "signed"]) form.addEventListener(name, sumUp);
sumUp();
