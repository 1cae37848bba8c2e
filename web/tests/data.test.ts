import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeFloats, decodeIntegers, parseScene } from "../src/scene/data";

const encode = (numbers: ArrayLike<number>, write: (view: DataView, at: number, value: number) => void): string => {
  const view = new DataView(new ArrayBuffer(4 * numbers.length));
  Array.from(numbers).forEach((value, index) => write(view, 4 * index, value));
  return btoa(String.fromCharCode(...new Uint8Array(view.buffer)));
};
const encodeFloats = (numbers: ArrayLike<number>): string =>
  encode(numbers, (view, at, value) => view.setFloat32(at, value, true));
const encodeIntegers = (numbers: ArrayLike<number>): string =>
  encode(numbers, (view, at, value) => view.setUint32(at, value, true));

describe("decoding of a body", () => {
  it("reads what NumPy writes", () => {
    // base64.b64encode(np.array([1.5, -2.25, 3e-3], "<f4").tobytes()) and of np.array([0, 1, 70000], "<u4").
    expect([...decodeFloats("AADAPwAAEMCmm0Q7")]).toEqual([1.5, -2.25, Math.fround(3e-3)]);
    expect([...decodeIntegers("AAAAAAEAAABwEQEA")]).toEqual([0, 1, 70000]);
  });

  it("gives back any points and corners to the bit", () => {
    fc.assert(
      fc.property(fc.float32Array({ maxLength: 300 }), (points) => {
        expect(decodeFloats(encodeFloats(points))).toEqual(points);
      }),
    );
    fc.assert(
      fc.property(fc.uint32Array({ maxLength: 300 }), (corners) => {
        expect(decodeIntegers(encodeIntegers(corners))).toEqual(corners);
      }),
    );
  });

  it("of no triangles is empty", () => expect(decodeIntegers("")).toHaveLength(0));

  it("refuses what is no base64, or cut off", () => {
    expect(() => decodeFloats("*")).toThrow();
    expect(() => decodeFloats("AADA")).toThrow(RangeError);
  });
});

describe("parseScene", () => {
  it("reads the page's data block, whose < is escaped", () => {
    expect(parseScene('{"labels": [{"text": "\\u003c/script>"}]}').labels[0]?.text).toBe("</script>");
  });

  it.each([null, undefined, ""])("says where there is none (%j)", (text) => {
    expect(() => parseScene(text)).toThrow("no scene");
  });
});
