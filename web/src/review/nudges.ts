// Moves of a tunnel in millimetres along its own axes, by button and by key.

import { later } from "../language";

export type Axis = "inward" | "up" | "front";

export interface Nudge {
  name: string;
  axis: Axis;
  sign: 1 | -1;
  key: string;
}

export const NUDGES: readonly Nudge[] = [
  { name: later("deeper"), axis: "inward", sign: 1, key: "PageUp" },
  { name: later("shallower"), axis: "inward", sign: -1, key: "PageDown" },
  { name: later("up"), axis: "up", sign: 1, key: "ArrowUp" },
  { name: later("down"), axis: "up", sign: -1, key: "ArrowDown" },
  { name: later("forward"), axis: "front", sign: 1, key: "ArrowRight" },
  { name: later("backward"), axis: "front", sign: -1, key: "ArrowLeft" },
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
