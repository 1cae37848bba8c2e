// What the page carries: written by corecore/report/page.py, in mm from the head's centre, RAS directions.

export type Vector = [number, number, number];

/** Triangles of one body; its colour goes from `face` where seen square on to `edge` at its rim. */
export interface Body {
  part: string;
  face: string;
  edge: string;
  opacity: [number, number];
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
  /** The patient's own right, front and up. */
  axes: { right: Vector; anterior: Vector; superior: Vector };
  bodies: Body[];
  lines: Polyline[];
  markers: Marker[];
  labels: Label[];
  views: View[];
}

function bytes(text: string): ArrayBuffer {
  const binary = atob(text);
  const result = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) result[i] = binary.charCodeAt(i);
  return result.buffer;
}

export const floats = (text: string): Float32Array => new Float32Array(bytes(text));
export const integers = (text: string): Uint32Array => new Uint32Array(bytes(text));

/** The data block of the page. */
export function readData(id: string): SceneData {
  const block = document.getElementById(id);
  if (!block?.textContent) throw new Error(`the page has no data block ${id}`);
  return JSON.parse(block.textContent) as SceneData;
}
