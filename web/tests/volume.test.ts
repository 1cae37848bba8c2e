import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Vector } from "../src/geometry";
import { AXES, NORMAL_AXIS, parseVolume, PLANE_NAMES, placeOf, pointAt } from "../src/open/volume";

function sent(header: object, image: number[], bits: number[]): ArrayBuffer {
  const head = new TextEncoder().encode(JSON.stringify(header));
  const data = new Uint8Array(4 + head.length + 2 * image.length + bits.length);
  new DataView(data.buffer).setUint32(0, head.length, true);
  data.set(head, 4);
  data.set(new Uint8Array(new Uint16Array(image).buffer), 4 + head.length);
  data.set(bits, 4 + head.length + 2 * image.length);
  return data.buffer;
}

describe("a volume as it is sent", () => {
  it.each(["", " ", "  "])("is taken apart, wherever its voxels begin", (more) => {
    const { header, image, bits } = parseVolume(sent({ shape: [2, 1, 2], more }, [1, 2, 300, 65535], [0, 1, 3, 4]));
    expect(header.shape).toEqual([2, 1, 2]);
    expect([...image]).toEqual([1, 2, 300, 65535]);
    expect([...bits]).toEqual([0, 1, 3, 4]);
  });

  it("that is not whole is refused", () => {
    expect(() => parseVolume(sent({ shape: [2, 2, 2] }, [1, 2], [0, 1]))).toThrow("not whole");
    expect(() => parseVolume(sent({ shape: [1, 1, 1] }, [1, 2], [0, 1]))).toThrow("not whole");
  });
});

describe("planes of the patient", () => {
  it("show the patient's right on the left, and the front on the left of the sagittal one", () => {
    // RAS: x grows to the patient's right, y to the front, z upwards.
    const places = PLANE_NAMES.map((name) => [name, placeOf(name, [0, 0, 0], [10, 10, 10], 100)]);
    expect(Object.fromEntries(places)).toEqual({
      axial: [-0.1, 0.1],
      coronal: [-0.1, 0.1],
      sagittal: [-0.1, 0.1],
    });
    expect(AXES.axial.letters[0]).toBe("R");
    expect(AXES.sagittal.letters[0]).toBe("A");
  });

  it("give a point back where it was pressed, and leave its depth", () => {
    const number = fc.double({ min: -500, max: 500, noNaN: true });
    const share = fc.double({ min: -0.5, max: 0.5, noNaN: true });
    fc.assert(
      fc.property(
        fc.constantFrom(...PLANE_NAMES),
        fc.tuple(number, number, number),
        fc.tuple(share, share),
        fc.double({ min: 40, max: 300, noNaN: true }),
        (name, middle, at, field) => {
          const point = pointAt(name, middle as Vector, at, field);
          const back = placeOf(name, middle as Vector, point, field);
          expect(back[0]).toBeCloseTo(at[0], 9);
          expect(back[1]).toBeCloseTo(at[1], 9);
          expect(point[NORMAL_AXIS[name]]).toBeCloseTo(middle[NORMAL_AXIS[name]], 9);
        },
      ),
    );
  });
});
