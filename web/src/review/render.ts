// What the page shows of an answer.
import type { Figures, Film, Permission, RankedSet, ReviewState, SetSummary } from "../api";
import { button, buttonById, byId, element, headerRow, inputById, parseSvg, tableRow } from "../page/dom";
import * as format from "./format";
import { say } from "../language";

/** What the buttons among the figures do. */
export interface Actions {
  select(tunnel: number): void;
  take(which: number): void;
  compare(which: number): void;
}

/** Tells what went wrong; no words take the last problem away. */
export function showProblem(words: string): void {
  byId("problem").textContent = words;
  byId("problem").hidden = !words;
}

/** Greys the figures while an answer is under way. */
export function markWaiting(waiting: boolean): void {
  document.body.classList.toggle("waiting", waiting);
}

export function markSnapping(snapping: boolean): void {
  byId("snap").setAttribute("aria-busy", String(snapping));
}

/** The films are of other tunnels until they are drawn anew. */
export function markFilms(old: boolean): void {
  document.body.classList.toggle("old-films", old);
}

/** The slices are of other tunnels until they are drawn anew. */
export function markSlices(old: boolean): void {
  document.body.classList.toggle("old-slices", old);
}

/** Only what is on the page in full can be signed. */
export function markSignable(signable: boolean): void {
  buttonById("sign").disabled = !signable;
  byId("sign-waits").hidden = signable;
}

/** Whether this page may write; if not, why, and whatever writes is off. */
export function showPermission({ state, words, may_take }: Permission): void {
  const writes = state === "writes";
  document.body.classList.toggle("read-only", !writes);
  document.body.classList.toggle("replaced", state === "replaced");
  document.body.dataset.permission = state;
  byId("permission").hidden = writes;
  byId("permission-title").textContent = format.permissionTitle(state);
  byId("permission-words").textContent = words;
  buttonById("take").hidden = !may_take;
  for (const part of document.querySelectorAll<HTMLElement>("[data-writes]")) part.inert = !writes;
}

/** Asks before a plan that exceeds limits is saved. */
export function askToSave(breaks: string[]): void {
  byId("ask-title").textContent = say("Limits exceeded: {count}. Save the plan anyway?", { count: breaks.length });
  byId("ask-breaks").replaceChildren(...breaks.map((words) => element("li", format.keepUnits(words))));
  byId("ask", HTMLDialogElement).showModal();
}

/** All that changes as a tunnel is dragged. */
export function showFigures(state: ReviewState, actions: Actions, compared: number | null): void {
  const { status, violations, limits } = state;
  const { hip, id } = state.case;
  document.body.classList.toggle("breaks", format.broken(state));
  document.body.dataset.weighs = status.color;
  document.title = say("{hip}, {id}: review", { hip, id });
  byId("side").textContent = hip;
  byId("who").textContent = format.identity(state);
  byId("word").textContent = format.headline(state);
  byId("answer").replaceChildren(
    element("p", status.sentence, { class: "sentence" }),
    ...status.lines.map((words) => element("p", words)),
    ...violations.map((words) => element("p", `✗ ${words}`, { class: "alarm" })),
  );
  byId("limits").replaceChildren(
    ...limits.map(({ what, value, limit, mark, verdict, tone }) =>
      tableRow([what, value, limit, `${mark} ${verdict}`], tone),
    ),
  );
  const transcribed = format.transcribed(state.transcription, state.selected ?? 0);
  byId("transcribed").replaceChildren(...transcribed.map((cells) => tableRow(cells)));
  showTunnels(state, actions);
  showComparison(state, compared);
}

/** What changes with a step only. */
export function showSession(state: ReviewState): void {
  buttonById("undo").disabled = !state.undo;
  buttonById("redo").disabled = !state.redo;
  const notes = byId("notes", HTMLTextAreaElement);
  if (document.activeElement !== notes) notes.value = state.notes;
  byId("signed").textContent = format.signature(state);
  byId("signed").classList.toggle("is", state.signed !== null);
  document.body.dataset.rev = String(state.rev);
}

function showTunnels({ lines, selected }: Figures, actions: Actions): void {
  const names = lines.map(format.tunnelName);
  const shown = [...byId("tunnels").children].map((one) => one.textContent);
  // Kept where they are the same: a button that is replaced loses the keyboard.
  if (shown.join() !== names.join()) {
    byId("tunnels").replaceChildren(...names.map((name, index) => button(name, () => actions.select(index))));
  }
  [...byId("tunnels").children].forEach((one, index) => {
    one.setAttribute("aria-pressed", String(index === selected));
  });
  const line = selected === null ? undefined : lines[selected];
  const diameter = inputById("diameter");
  for (const one of [buttonById("remove"), diameter, buttonById("snap")]) one.disabled = !line;
  for (const one of byId("nudges").querySelectorAll("button")) one.disabled = !line;
  if (line && document.activeElement !== diameter) diameter.value = String(line.diameter_mm);
}

function showComparison({ against }: Figures, compared: number | null): void {
  byId("comparison").hidden = !against;
  for (const one of document.querySelectorAll<HTMLButtonElement>("button[data-against]")) {
    one.setAttribute("aria-pressed", String(Number(one.dataset.against) === compared));
  }
  if (!against) return;
  byId("beside").textContent = say("Current plan and {other} (grey in the view)", { other: against.name });
  byId("compared").replaceChildren(
    headerRow(["", say("current plan"), against.name, say("difference")]),
    ...against.rows.map((cells) => tableRow(cells)),
  );
}

export function showWarnings(lines: string[]): void {
  byId("warnings").replaceChildren(...lines.map((words) => element("li", words)));
}

/** The plan and its alternatives; what stands is filled in with the films. */
export function showRanked(sets: RankedSet[], actions: Actions): void {
  const rows = sets.map((set, index) => {
    const { name, which, keeps } = set;
    const row = tableRow([`${index + 1}. ${name}`, ...format.summaryCells(set)], keeps ? "" : "breaks");
    const buttons = element("td");
    buttons.append(
      button(say("pick"), () => actions.take(which), { "aria-label": say("pick {name}", { name }), "data-writes": "" }),
      button(say("compare"), () => actions.compare(which), {
        "aria-label": say("compare with {name}", { name }),
        "aria-pressed": "false",
        "data-against": which,
      }),
    );
    row.append(buttons);
    return row;
  });
  const current = tableRow([say("current plan"), "", "", "", "", ""]);
  current.id = "now";
  byId("ranked").replaceChildren(
    headerRow(["", say("removes"), say("spare clearance"), say("limited by"), say("perforation"), ""]),
    current,
    ...rows,
  );
}

/** What stands, as a line of that table; null: no tunnel. */
export function showCurrent(set: SetSummary | null): void {
  const row = set
    ? tableRow([say("current plan"), ...format.summaryCells(set), ""], set.keeps ? "" : "breaks")
    : tableRow([say("current plan")]);
  row.id = "now";
  document.getElementById("now")?.replaceWith(row);
}

export function showFilms(films: Film[], rev: number): void {
  for (const figure of document.querySelectorAll<HTMLElement>("figure[data-film]")) {
    const film = films[Number(figure.dataset.film)];
    const earlier = { "data-earlier": say("Of an earlier step.") };
    if (film) figure.replaceChildren(parseSvg(film.svg), element("figcaption", format.filmCaption(film), earlier));
    else figure.replaceChildren();
  }
  document.body.dataset.films = String(rev);
}
