// A scene as the planner writes it (corecore/report/page.py): mm from the head's centre, RAS directions.
import type { Body, Label, Marker, Polyline, Space, View } from "../generated/review";

/** How a body is painted: from `face` where seen square on to `edge` at its rim. */
export type Paint = Omit<Body, "points" | "triangles">;
export type SceneData = Omit<Space, "origin">;
export type { Body, Label, Marker, Polyline, View };

function decodeBase64(text: string): ArrayBuffer {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes.buffer;
}

export const decodeFloats = (text: string): Float32Array => new Float32Array(decodeBase64(text));
export const decodeIntegers = (text: string): Uint32Array => new Uint32Array(decodeBase64(text));

/** The scene in the text of a page's data block. */
export function parseScene(text: string | null | undefined): SceneData {
  if (!text) throw new Error("the page has no scene to draw");
  return JSON.parse(text) as SceneData;
}
