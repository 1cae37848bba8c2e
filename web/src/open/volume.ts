// The volume of a hip as the planner sends it: a header, the image in half precision, the masks as bits.
import type { VolumeHeader } from "../api";
import type { Vector } from "../geometry";

export interface Volume {
  readonly header: VolumeHeader;
  readonly image: Uint16Array;
  readonly bits: Uint8Array;
}

/** The volume in what was sent. Throws where it holds less, or more, than its header says. */
export function parseVolume(data: ArrayBuffer): Volume {
  const length = new DataView(data).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length))) as VolumeHeader;
  const count = header.shape.reduce((product, one) => product * one, 1);
  const start = 4 + length;
  if (data.byteLength !== start + 3 * count) throw new Error("a volume that is not whole");
  // An array of two bytes begins at an even place.
  const image = new Uint16Array(data.slice(start, start + 2 * count));
  return { header, image, bits: new Uint8Array(data, start + 2 * count, count) };
}

export interface PlaneAxes {
  readonly right: Vector;
  readonly up: Vector;
  readonly normal: Vector;
  /** Letters of the patient on the left, the right, the top and the bottom of the picture. */
  readonly letters: readonly [string, string, string, string];
}

/** As one looks at them: the patient's right on the left, on the sagittal plane the front. */
export const AXES: Readonly<Record<"axial" | "coronal" | "sagittal", PlaneAxes>> = {
  axial: { right: [-1, 0, 0], up: [0, 1, 0], normal: [0, 0, 1], letters: ["R", "L", "A", "P"] },
  coronal: { right: [-1, 0, 0], up: [0, 0, 1], normal: [0, 1, 0], letters: ["R", "L", "S", "I"] },
  sagittal: { right: [0, -1, 0], up: [0, 0, 1], normal: [1, 0, 0], letters: ["A", "P", "S", "I"] },
};
export type PlaneName = keyof typeof AXES;
export const PLANE_NAMES = Object.keys(AXES) as PlaneName[];
/** Which coordinate runs along a plane's normal. */
export const NORMAL_AXIS: Readonly<Record<PlaneName, 0 | 1 | 2>> = { axial: 2, coronal: 1, sagittal: 0 };

/** The point under a place of a picture: shares from its middle, right and up, of a field in mm. */
export function pointAt(name: PlaneName, middle: Vector, at: readonly [number, number], field: number): Vector {
  const { right, up } = AXES[name];
  const along = (k: 0 | 1 | 2): number => middle[k] + field * (at[0] * right[k] + at[1] * up[k]);
  return [along(0), along(1), along(2)];
}

/** Where a point lies in a picture, in the same shares. */
export function placeOf(name: PlaneName, middle: Vector, point: Vector, field: number): [number, number] {
  const { right, up } = AXES[name];
  const off = ([0, 1, 2] as const).map((k) => point[k] - middle[k]);
  const on = (axis: Vector): number => off.reduce((sum, one, k) => sum + one * (axis[k] ?? 0), 0) / field;
  return [on(right), on(up)];
}
