// Elements of the page. Words enter as text only: nothing of a plan or a note can become markup.

export const $ = (id) => document.getElementById(id);

export function element(name, words, attributes = {}) {
  const made = document.createElement(name);
  if (words !== undefined) made.textContent = words;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

// Drawings come as SVG text; parsed as a document of their own, scripts in them would not run.
export function drawing(svg) {
  return document.importNode(new DOMParser().parseFromString(svg, "image/svg+xml").documentElement, true);
}

export function row(cells, tone) {
  const made = element("tr", undefined, tone ? { class: tone } : {});
  // A number keeps its unit on its line.
  const kept = (words) => words.replace(/(\d) (mm|ml|%)/g, "$1\u00a0$2");
  cells.forEach((words, k) => made.append(element(k ? "td" : "th", kept(words), k ? {} : { scope: "row" })));
  return made;
}

export function head(cells) {
  const made = element("tr");
  for (const words of cells) made.append(element("th", words, { scope: "col" }));
  return made;
}

export function button(words, press, attributes = {}) {
  const made = element("button", words, { type: "button", ...attributes });
  made.onclick = press;
  return made;
}
