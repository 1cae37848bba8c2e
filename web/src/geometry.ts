// Vectors and the arithmetic of dragging: nothing of a browser in it.

/** A point or a direction, mm; where it is counted from is said where it is used. */
export type Vector = [number, number, number];

/** Unit vectors of a picture: to its right and upward in it. */
export interface PicturePlane {
  right: Vector;
  up: Vector;
}

export const add = (a: Vector, b: Vector): Vector => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
export const subtract = (a: Vector, b: Vector): Vector => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
export const scale = (v: Vector, by: number): Vector => [v[0] * by, v[1] * by, v[2] * by];
export const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
export const norm = (v: Vector): number => Math.hypot(...v);
export const distance = (a: Vector, b: Vector): number => norm(subtract(a, b));

/** The unit vector along `v`; of no length, `v` itself. */
export const normalize = (v: Vector): Vector => scale(v, 1 / (norm(v) || 1));

/** Millimetres that a CSS pixel shows of a drawing `viewBoxWidth` units wide, drawn `widthPx` wide. */
export function mmPerPixel(viewBoxWidth: number, widthPx: number, unitsPerMm: number): number {
  return viewBoxWidth / widthPx / unitsPerMm;
}

/** Where a point goes that is dragged in the plane of a picture by so many pixels to the right and down. */
export function dragInPlane(
  point: Vector,
  { right, up }: PicturePlane,
  [rightPx, downPx]: [number, number],
  mmPerPixel: number,
): Vector {
  return add(point, add(scale(right, rightPx * mmPerPixel), scale(up, -downPx * mmPerPixel)));
}

/** The point `length` from `tip` on the line through `entry`, on its side. */
export function entryAtLength(tip: Vector, entry: Vector, length: number): Vector {
  return add(tip, scale(normalize(subtract(entry, tip)), length));
}

/** The longest of 1, 2 or 5 times a power of ten that is no longer than `mostMm`. */
export function scaleBarMm(mostMm: number): number {
  const ten = 10 ** Math.floor(Math.log10(mostMm));
  const length = [5, 2, 1].map((n) => n * ten).find((mm) => mm <= mostMm) ?? ten;
  return Number(length.toPrecision(1));
}

/** The patient's own right, front and up. */
export interface BodyAxes {
  right: Vector;
  anterior: Vector;
  superior: Vector;
}

/** Cosine above which an edge of a picture takes a second letter. */
const SECOND_LETTER = 0.42;

/** The letters of an edge of a picture that lies in `direction`: R, L, A, P, S or I, two where it lies between. */
export function sideLetters(direction: Vector, { right, anterior, superior }: BodyAxes): string {
  const axes = [
    { positive: "R", negative: "L", share: dot(direction, right) },
    { positive: "A", negative: "P", share: dot(direction, anterior) },
    { positive: "S", negative: "I", share: dot(direction, superior) },
  ];
  return axes
    .sort((a, b) => Math.abs(b.share) - Math.abs(a.share))
    .filter(({ share }, rank) => rank === 0 || (rank === 1 && Math.abs(share) > SECOND_LETTER))
    .map(({ positive, negative, share }) => (share > 0 ? positive : negative))
    .join("");
}
