// Words of the page, made from the planner's answers. Figures come printed: none is computed or rounded here.
import type { Figures, Film, Line, Permission, ReviewState, SetSummary } from "../api";
import { say } from "../language";

export { keepUnits } from "../page/dom";

export const broken = ({ status }: Pick<Figures, "status">): boolean => status.tone === "breaks";

export const headline = (figures: Pick<Figures, "status">): string => `${figures.status.mark} ${figures.status.word}`;

export const identity = ({ case: { id, imaged, plan }, rev }: ReviewState): string =>
  say("id {id} · imaged {imaged} · plan {plan} · step {step}", { id, imaged, plan, step: rev });

export const tunnelName = ({ diameter_mm }: Line, index: number): string => `${index + 1}: ⌀ ${diameter_mm} mm`;

export const filmCaption = ({ title, words }: Film): string => `${title}: ${words}`;

/** The word for a page that cannot write. */
export const permissionTitle = (state: Permission["state"]): string =>
  state === "replaced" ? say("NOT THE CURRENT PLAN") : state === "ended" ? say("SAVING HAS STOPPED") : say("READ-ONLY");

/** What was said of the tunnels as they stand. */
export function signature({ accepted, signed }: Pick<Figures, "accepted" | "signed">): string {
  const sentences: string[] = [];
  if (accepted) sentences.push(say("Accepted: {reason}.", { reason: accepted }));
  if (signed) sentences.push(say("Signed by {name}, {day}.", { name: signed.name, day: signed.day }));
  return sentences.join(" ") || say("Not signed. Any change cancels a signature.");
}

/** Each figure with its name, of one tunnel. */
export function transcribed({ columns, rows }: Figures["transcription"], tunnel: number): [string, string][] {
  const values = rows[tunnel] ?? [];
  return values.map((value, column) => [columns[column] ?? "", value]);
}

/** What a set does, in the columns of the ranked table. */
export const summaryCells = ({ removes, room, held, risk }: SetSummary): string[] => [removes, room, held, risk];
