// A driver on the map: a button with name, heading and the age of the position, grey "last seen" when that is old.
import { ageOf } from "./ages.js";

const ARROW = "M0 -15 L5 -8 L-5 -8 Z";

export function driverMarker(onClick) {
  const element = document.createElement("button");
  element.type = "button";
  element.className = "map-driver";
  const svg = shape("svg", { viewBox: "-16 -16 32 32", "aria-hidden": "true" });
  const arrow = shape("path", { d: ARROW, class: "heading" });
  svg.append(arrow, shape("circle", { r: 7 }));
  const label = document.createElement("span");
  const name = document.createElement("b");
  const age = document.createElement("i");
  const free = Object.assign(document.createElement("em"), { textContent: "free", hidden: true });
  label.append(name, " ", free, " ", age);
  element.append(svg, label);
  element.addEventListener("click", (event) => {
    event.stopPropagation();
    onClick();
  });
  let shown = null;
  const showAge = () => {
    const { age: kind, word } = ageOf(shown.at);
    const text = kind === "old" ? `last seen ${word} ago` : word;
    const words = `${shown.name}, ${shown.isFree ? "free, " : ""}${kind === "old" ? text : `position ${text} old`}`;
    if (element.getAttribute("aria-label") === words) return; // of hundreds only some have changed
    if (element.dataset.age !== kind) element.dataset.age = kind;
    age.textContent = text;
    element.setAttribute("aria-label", words);
  };
  return {
    element,
    show(driver) {
      shown = driver;
      if (name.textContent !== driver.name) name.textContent = driver.name;
      element.toggleAttribute("data-free", Boolean(driver.isFree));
      free.hidden = !driver.isFree;
      arrow.toggleAttribute("hidden", driver.heading == null);
      arrow.setAttribute("transform", `rotate(${driver.heading ?? 0})`);
      Object.assign(element.dataset, { driver: driver.id, latitude: driver.latitude, longitude: driver.longitude });
      showAge();
    },
    showAge,
    choose(isChosen) {
      if (element.getAttribute("aria-pressed") !== String(isChosen)) element.setAttribute("aria-pressed", String(isChosen));
    },
  };
}

function shape(kind, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", kind);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}
