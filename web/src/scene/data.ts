// A scene as the planner writes it (corecore/report/page.py): mm from the head's centre, RAS directions.
import type { BodyAxes, Vector } from "../geometry";

/** How a body is painted: from `face` where seen square on to `edge` at its rim. */
export interface Paint {
  part: string;
  face: string;
  edge: string;
  /** Where seen square on, and at the rim. */
  opacity: [number, number];
}

/** Triangles of one body. */
export interface Body extends Paint {
  /** Little-endian float32 x, y, z, in base64. */
  points: string;
  /** Little-endian uint32 corners, counter-clockwise from outside, in base64. */
  triangles: string;
}

export interface Polyline {
  part: string;
  color: string;
  /** Lengths in mm drawn and left out; absent for a solid line. */
  dash?: [number, number];
  points: Vector[];
}

export interface Marker {
  part: string;
  radius: number;
  at: Vector;
}

export interface Label {
  part: string;
  at: Vector;
  text: string;
}

/** A parallel camera looking along `into`; `width` x `height` mm is in view. */
export interface View {
  key: string;
  center: Vector;
  into: Vector;
  width: number;
  height: number;
}

export interface SceneData {
  axes: BodyAxes;
  bodies: Body[];
  lines: Polyline[];
  markers: Marker[];
  labels: Label[];
  views: View[];
}

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
