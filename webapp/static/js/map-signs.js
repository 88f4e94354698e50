// How a checkpoint's state is drawn and called: by a form of its own, not by a colour alone. The legend has the same forms.
export const STATES = ["reached", "next", "late", "open"];
const WORDS = { reached: "reached", next: "next", late: "next and late", open: "to come" };
// In a box of 24, from its middle: what is filled with the state's colour, and what is drawn on it with the ground's.
const FORMS = {
  reached: { body: "M-7 0a7 7 0 1 0 14 0a7 7 0 1 0 -14 0Z", mark: "M-3.4 0.2L-1 2.6L3.6 -2.4" },
  next: { body: "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0Z", ring: 8.2 },
  late: { body: "M0 -9L9 0L0 9L-9 0Z", mark: "M0 -4.4V0.8M0 3.6V4" },
  open: { hollow: 6 },
};
// Of the chosen delivery, in a box of 36: the number stands in the middle.
const CHOSEN = {
  reached: { body: "M-10 0a10 10 0 1 0 20 0a10 10 0 1 0 -20 0Z", badge: "M5.9 -9.2L8.4 -6.8L12.6 -11.6" },
  next: { body: "M-9.5 0a9.5 9.5 0 1 0 19 0a9.5 9.5 0 1 0 -19 0Z", ring: 13.5 },
  late: { body: "M0 -15L15 0L0 15L-15 0Z" },
  open: { hollow: 9.5 },
};
const EDGE = 2;

export const wordOf = (state) => WORDS[state] ?? WORDS.open;

// The sign as pixels, `ratio` of them for each of the page's. `kind` is "stop" or "chosen".
export function pictureOf(kind, state, colour, ground, ratio) {
  const size = (kind === "stop" ? 24 : 36) * ratio;
  const canvas = Object.assign(document.createElement("canvas"), { width: size, height: size });
  const pen = canvas.getContext("2d");
  pen.translate(size / 2, size / 2);
  pen.scale(ratio, ratio);
  Object.assign(pen, { lineCap: "round", lineJoin: "round" });
  draw(pen, (kind === "stop" ? FORMS : CHOSEN)[state], colour, ground);
  return pen.getImageData(0, 0, size, size);
}

function draw(pen, { body, mark, ring, hollow, badge }, colour, ground) {
  const line = (path, style, width) => { Object.assign(pen, { strokeStyle: style, lineWidth: width }); pen.stroke(path); };
  const circle = (radius) => { const path = new Path2D(); path.arc(0, 0, radius, 0, 2 * Math.PI); return path; };
  const fill = (path, style) => { pen.fillStyle = style; pen.fill(path); };
  if (ring) {
    fill(circle(ring + EDGE), ground);
    line(circle(ring), colour, EDGE);
  }
  if (hollow) {
    line(circle(hollow), ground, 3 + 2 * EDGE);
    fill(circle(hollow), ground);
    line(circle(hollow), colour, 3);
  }
  if (body) {
    line(new Path2D(body), ground, 2 * EDGE);
    fill(new Path2D(body), colour);
  }
  if (mark) line(new Path2D(mark), ground, 2);
  if (badge) {
    line(new Path2D(badge), ground, 6);
    line(new Path2D(badge), colour, 2.4);
  }
}

// The legend's items, <li data-sign="…">, get the sign that the map has.
export function fillLegend(legend) {
  const style = getComputedStyle(legend);
  const colour = (name) => style.getPropertyValue(name).trim();
  for (const item of legend.querySelectorAll("[data-sign]")) {
    const { sign } = item.dataset;
    const picture = pictureOf("stop", sign, colour(`--map-stop-${sign}`), colour("--wb-surface"), 2);
    const canvas = Object.assign(document.createElement("canvas"), { width: picture.width, height: picture.height });
    canvas.getContext("2d").putImageData(picture, 0, 0);
    canvas.setAttribute("aria-hidden", "true");
    item.querySelector("canvas")?.remove();
    item.prepend(canvas);
  }
}
