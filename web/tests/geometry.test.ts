import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  distance,
  dot,
  dragInPlane,
  entryAtLength,
  mmPerPixel,
  norm,
  normalize,
  scale,
  scaleBarMm,
  sideLetters,
  subtract,
  type Vector,
} from "../src/geometry";

const millimetres = fc.double({ min: -300, max: 300, noNaN: true });
const points = fc.tuple(millimetres, millimetres, millimetres);
const pixels = fc.tuple(fc.integer({ min: -2000, max: 2000 }), fc.integer({ min: -2000, max: 2000 }));
const directions = points.filter((v) => norm(v) > 1).map(normalize);
/** A picture's plane: right and up, square to each other. */
const planes = fc
  .tuple(directions, directions)
  .map(([right, other]) => ({ right, up: subtract(other, scale(right, dot(other, right))) }))
  .filter(({ up }) => norm(up) > 0.01)
  .map(({ right, up }) => ({ right, up: normalize(up) }));
const BODY = { right: [1, 0, 0], anterior: [0, 1, 0], superior: [0, 0, 1] } satisfies Record<string, Vector>;

describe("mmPerPixel", () => {
  it("is one where a unit is a pixel and a millimetre", () => expect(mmPerPixel(300, 300, 1)).toBe(1));

  it("falls as the drawing is shown larger", () => {
    // 80 mm of 10 units each, 400 pixels wide: a fifth of a millimetre.
    expect(mmPerPixel(800, 400, 10)).toBeCloseTo(0.2, 12);
    expect(mmPerPixel(800, 800, 10)).toBeCloseTo(0.1, 12);
  });
});

describe("dragInPlane", () => {
  it("moves to the right and up as the picture has them", () => {
    const front = { right: [-1, 0, 0] as Vector, up: [0, 0, 1] as Vector };
    // Seen from the front the patient's left is on the right; pixels are counted downward.
    expect(dragInPlane([10, 20, 30], front, [4, -6], 0.5)).toEqual([8, 20, 33]);
  });

  it("moves by as many millimetres as the pointer went pixels, in the plane, and back again", () => {
    fc.assert(
      fc.property(points, planes, pixels, fc.double({ min: 0.05, max: 2, noNaN: true }), (from, plane, moved, mm) => {
        const to = dragInPlane(from, plane, moved, mm);
        const away = subtract(to, from);
        expect(norm(away)).toBeCloseTo(Math.hypot(...moved) * mm, 6);
        expect(dot(away, plane.right)).toBeCloseTo(moved[0] * mm, 6);
        expect(dot(away, plane.up)).toBeCloseTo(-moved[1] * mm, 6);
        expect(distance(dragInPlane(to, plane, [-moved[0], -moved[1]], mm), from)).toBeCloseTo(0, 6);
      }),
    );
  });
});

describe("entryAtLength", () => {
  it("stays on the line from the tip through the entry, as far as the tunnel is long", () => {
    const tunnels = fc.tuple(points, points).filter(([tip, entry]) => distance(tip, entry) > 1);
    fc.assert(
      fc.property(tunnels, fc.double({ min: 1, max: 250, noNaN: true }), ([tip, entry], length) => {
        const at = entryAtLength(tip, entry, length);
        expect(distance(at, tip)).toBeCloseTo(length, 6);
        expect(dot(normalize(subtract(at, tip)), normalize(subtract(entry, tip)))).toBeCloseTo(1, 6);
      }),
    );
  });

  it("has an answer where both ends are one", () => expect(entryAtLength([1, 2, 3], [1, 2, 3], 40)).toEqual([1, 2, 3]));
});

describe("scaleBarMm", () => {
  it.each([
    [1, 1],
    [1.9, 1],
    [2, 2],
    [4.99, 2],
    [23, 20],
    [50, 50],
    [99, 50],
    [0.7, 0.5],
    [0.03, 0.02],
  ])("of at most %d mm takes %d", (most, length) => expect(scaleBarMm(most)).toBe(length));

  it("takes at least two fifths of what there is, and no more than all", () => {
    fc.assert(
      fc.property(fc.double({ min: 0.01, max: 500, noNaN: true }), (most) => {
        const length = scaleBarMm(most);
        expect(length).toBeLessThanOrEqual(most * (1 + 1e-9));
        expect(length).toBeGreaterThanOrEqual(most * (0.4 - 1e-9));
        expect(String(length)).toMatch(/^(0\.0*)?[125]0*$/);
      }),
    );
  });
});

describe("sideLetters", () => {
  it.each([
    [[1, 0, 0], "R"],
    [[-1, 0, 0], "L"],
    [[0, 1, 0], "A"],
    [[0, -1, 0], "P"],
    [[0, 0, 1], "S"],
    [[0, 0, -1], "I"],
    [[0.6, 0.8, 0], "AR"],
    [[-0.8, 0, -0.6], "LI"],
    [[0.95, 0.3, 0], "R"],
  ] satisfies [Vector, string][])("of %j are %s", (direction, letters) => {
    expect(sideLetters(direction, BODY)).toBe(letters);
  });

  it("of the opposite edge are the opposite ones", () => {
    const opposite: Record<string, string> = { R: "L", L: "R", A: "P", P: "A", S: "I", I: "S" };
    fc.assert(
      fc.property(directions, (direction) => {
        const letters = sideLetters(direction, BODY);
        const mirrored = [...letters].map((letter) => opposite[letter]).join("");
        expect(sideLetters(scale(direction, -1), BODY)).toBe(mirrored);
      }),
    );
  });

  it("are those of the patient, however he lies in the scanner", () => {
    const turned = { right: [0, 1, 0], anterior: [-1, 0, 0], superior: [0, 0, 1] } satisfies Record<string, Vector>;
    expect(sideLetters([0, 1, 0], turned)).toBe("R");
    expect(sideLetters([1, 0, 0], turned)).toBe("P");
  });
});
