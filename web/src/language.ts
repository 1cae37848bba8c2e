// Texts of the page in the language that the planner speaks. Each is called by its English words.

type Figures = Record<string, string | number>;

let known: Record<string, string> | null = null;

/** What the server put into the page; a page without it is English. */
function texts(): Record<string, string> {
  const given = typeof document === "undefined" ? null : document.getElementById("texts");
  known ??= JSON.parse(given?.textContent || "{}") as Record<string, string>;
  return known;
}

/** A text with its figures in place of `{name}`. Written out where it is said: so is it found for the catalogues. */
export function say(text: string, figures: Figures = {}): string {
  return (texts()[text] ?? text).replace(/\{(\w+)\}/g, (place, name: string) => String(figures[name] ?? place));
}

/** The text as it is: marks an entry of a table that is said where it is shown. */
export const later = (text: string): string => text;
