// Turns a file field into a button with previews, and shrinks what is chosen: a phone's photo is ten times what is kept.
const LONGEST_PX = 2_000, QUALITY = 0.82;

for (const field of document.querySelectorAll("[data-photos]")) enhance(field, Number(field.dataset.photos));

function enhance(field, most) {
  const input = field.querySelector("input[type=file]");
  const thumbs = document.createElement("div");
  thumbs.className = "thumbs";
  input.after(thumbs);
  field.classList.add("is-enhanced");
  let chosen = [];

  function show() {
    const files = new DataTransfer();
    for (const { file } of chosen) files.items.add(file);
    input.files = files.files;
    thumbs.replaceChildren(...chosen.map(thumb));
    if (chosen.length < most) thumbs.append(addButton(input));
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }

  function thumb(photo, at) {
    const box = document.createElement("div");
    box.className = "thumb";
    const picture = document.createElement("img");
    picture.src = photo.url;
    picture.alt = `Photo ${at + 1}`;
    const remove = document.createElement("button");
    remove.type = "button";
    remove.setAttribute("aria-label", `Remove photo ${at + 1}`);
    remove.append(Object.assign(document.createElement("span"), { textContent: "×" }));
    remove.addEventListener("click", () => {
      URL.revokeObjectURL(photo.url);
      chosen = chosen.filter((other) => other !== photo);
      show();
    });
    box.append(picture, remove);
    return box;
  }

  input.addEventListener("change", async (event) => {
    if (event.target !== input || !input.files.length) return;
    const files = [...input.files].slice(0, most - (most > 1 ? chosen.length : 0));
    const added = await Promise.all(files.map(shrink));
    chosen = most > 1 ? [...chosen, ...added] : added;
    show();
  });
  show();
}

function addButton(input) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "add";
  button.textContent = "+ Photo";
  button.setAttribute("aria-label", `Add: ${input.labels[0].textContent}`);
  button.addEventListener("click", () => input.click());
  return button;
}

// A file that can't be read here goes as it is; the server decides.
async function shrink(file) {
  const small = await redraw(file).catch(() => null);
  const kept = small && small.size < file.size ? new File([small], "photo.jpg", { type: "image/jpeg" }) : file;
  return { file: kept, url: URL.createObjectURL(kept) };
}

async function redraw(file) {
  const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  const scale = Math.min(1, LONGEST_PX / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(picture.width * scale);
  canvas.height = Math.round(picture.height * scale);
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  return new Promise((resolve) => { canvas.toBlob(resolve, "image/jpeg", QUALITY); });
}
