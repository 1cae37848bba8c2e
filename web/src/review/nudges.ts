// Moves of a tunnel in millimetres along its own axes, by button and by key.

export type Axis = "inward" | "up" | "front";

export interface Nudge {
  name: string;
  axis: Axis;
  sign: 1 | -1;
  key: string;
}

export const NUDGES: readonly Nudge[] = [
  { name: "deeper", axis: "inward", sign: 1, key: "PageUp" },
  { name: "shallower", axis: "inward", sign: -1, key: "PageDown" },
  { name: "up", axis: "up", sign: 1, key: "ArrowUp" },
  { name: "down", axis: "up", sign: -1, key: "ArrowDown" },
  { name: "forward", axis: "front", sign: 1, key: "ArrowRight" },
  { name: "backward", axis: "front", sign: -1, key: "ArrowLeft" },
];

export type KeyAction = { do: "undo" | "redo" } | { do: "nudge"; nudge: Nudge } | null;

type Key = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">;

/** What a key means on the page, if anything. */
export function keyAction({ key, ctrlKey, metaKey, altKey, shiftKey }: Key): KeyAction {
  if ((ctrlKey || metaKey) && key.toLowerCase() === "z") return { do: shiftKey ? "redo" : "undo" };
  const nudge = NUDGES.find((one) => one.key === key);
  if (!nudge || ctrlKey || metaKey || altKey) return null;
  return { do: "nudge", nudge };
}
