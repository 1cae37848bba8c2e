// Elements of the page. Words enter as text only: nothing of a plan or a note can become markup.

/** A number keeps its unit on its line. */
export const keepUnits = (text: string): string => text.replace(/(\d) (mm|ml|%)/g, "$1\u00a0$2");

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

type Attributes = Record<string, string | number>;

/** The page's element of an id. Throws where there is none, or one of another kind. */
export function byId(id: string): HTMLElement;
export function byId<E extends HTMLElement>(id: string, kind: new () => E): E;
export function byId(id: string, kind: new () => HTMLElement = HTMLElement): HTMLElement {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${kind.name} #${id}`);
  return found;
}

export const buttonById = (id: string): HTMLButtonElement => byId(id, HTMLButtonElement);
export const inputById = (id: string): HTMLInputElement => byId(id, HTMLInputElement);

function setAttributes(target: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) target.setAttribute(name, String(value));
}

export function element<N extends keyof HTMLElementTagNameMap>(
  name: N,
  text?: string,
  attributes: Attributes = {},
): HTMLElementTagNameMap[N] {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  setAttributes(made, attributes);
  return made;
}

/** A picture that came as base64 of a PNG. */
export function picture(png: string, alt: string): HTMLImageElement {
  return element("img", undefined, { src: `data:image/png;base64,${png}`, alt });
}

export function svgElement<N extends keyof SVGElementTagNameMap>(
  name: N,
  attributes: Attributes,
): SVGElementTagNameMap[N] {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  setAttributes(made, attributes);
  return made;
}

/** A drawing that came as SVG text; parsed as a document of its own, scripts in it do not run. */
export function parseSvg(text: string): SVGSVGElement {
  const parsed = new DOMParser().parseFromString(text, "image/svg+xml");
  const drawing: Node = document.importNode(parsed.documentElement, true);
  if (!(drawing instanceof SVGSVGElement)) throw new Error("a drawing that is no SVG");
  return drawing;
}

/** A row of a table, its first cell the heading. */
export function tableRow(cells: string[], tone?: string): HTMLTableRowElement {
  const row = element("tr", undefined, tone ? { class: tone } : {});
  cells.forEach((text, column) => {
    row.append(column > 0 ? element("td", keepUnits(text)) : element("th", keepUnits(text), { scope: "row" }));
  });
  return row;
}

export function headerRow(cells: string[]): HTMLTableRowElement {
  const row = element("tr");
  for (const text of cells) row.append(element("th", text, { scope: "col" }));
  return row;
}

export function button(text: string, press: () => void, attributes: Attributes = {}): HTMLButtonElement {
  const made = element("button", text, { type: "button", ...attributes });
  made.onclick = press;
  return made;
}
