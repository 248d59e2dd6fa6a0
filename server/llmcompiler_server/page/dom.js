// Making elements. Text goes in as text only: nothing in this page turns a string into markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element. `props`: `class`, `text`, `data` (dataset), `on` (listeners), everything else an attribute; null is left out. */
export function h(tag, props = {}, ...children) {
  return fill(document.createElement(tag), props, children);
}

/** The same for SVG. */
export function s(tag, props = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

function fill(element, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "text") element.textContent = value;
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name === "on") for (const [type, listener] of Object.entries(value)) element.addEventListener(type, listener);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const byId = (id) => document.getElementById(id);

/** Set a text only where it changes: screen readers announce live regions on every write. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function setData(element, name, value) {
  if (element.dataset[name] !== value) element.dataset[name] = value;
}

export function setAttribute(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

const SHAPES = {
  planned: ["M8 3.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9"],
  running: ["M8 3.5a4.5 4.5 0 1 1-4.5 4.5"],
  approval: ["M6 4.5v7", "M10 4.5v7"],
  succeeded: ["M3.5 8.5l3 3 6-7"],
  failed: ["M4.5 4.5l7 7", "M11.5 4.5l-7 7"],
  skipped: ["M4 4.5l4 3.5-4 3.5", "M11.5 4.5v7"],
  cancelled: ["M4 8h8"],
  join: ["M3 4.5h3.5L9 8l-2.5 3.5H3", "M9 8h4"],
};

/** A picture of a state; decoration, since the state is always there in words as well. */
export function icon(state) {
  const paths = (SHAPES[state] ?? SHAPES.planned).map((d) => s("path", { d }));
  return s("svg", { class: "icon", viewBox: "0 0 16 16", "aria-hidden": "true", data: { icon: state } }, paths);
}

export const reducedMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Arrow keys within a group of which one member is in the tab order. `next(current, key)` says where to go. */
export function roving(container, selector, next) {
  container.addEventListener("keydown", (event) => {
    const current = event.target.closest(selector);
    if (!current || event.altKey || event.ctrlKey || event.metaKey) return;
    const target = next(current, event.key);
    if (!target) return;
    event.preventDefault();
    target.focus();
  });
  container.addEventListener("focusin", (event) => {
    const current = event.target.closest(selector);
    if (!current) return;
    for (const other of container.querySelectorAll(`${selector}[tabindex="0"]`)) other.tabIndex = -1;
    current.tabIndex = 0;
  });
}
