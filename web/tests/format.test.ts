import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as format from "../src/review/format";
import { keyAction, NUDGES } from "../src/review/nudges";

describe("words of the page", () => {
  it.each([
    ["5.3 mm", "5.3\u00a0mm"],
    ["34.5 % of 2.10 ml", "34.5\u00a0% of 2.10\u00a0ml"],
    ["8.0 mm; cavity 12 × 20 mm", "8.0\u00a0mm; cavity 12 × 20\u00a0mm"],
    ["at least 45°", "at least 45°"],
    ["some mm", "some mm"],
  ])("a number keeps its unit: %s", (text, kept) => expect(format.keepUnits(text)).toBe(kept));

  it("units are kept and nothing else is changed, once or twice", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const kept = format.keepUnits(text);
        expect(kept.replaceAll("\u00a0", " ")).toBe(text.replaceAll("\u00a0", " "));
        expect(format.keepUnits(kept)).toBe(kept);
      }),
    );
  });

  it("the answer is marked by its tone", () => {
    const status = { lines: [], sentence: "Weigh before drilling.", tone: "keeps" as const };
    const broken = { ...status, word: "EXCEEDS A LIMIT", tone: "breaks" as const, color: "red" as const, mark: "✗" };
    expect(format.headline({ status: broken })).toBe("✗ EXCEEDS A LIMIT");
    const planned = { ...status, word: "PLANNED", color: "amber" as const, mark: "▲" };
    expect(format.headline({ status: planned })).toBe("▲ PLANNED");
  });

  it("tunnels are counted from one", () => {
    const line = { entry: [0, 0, 0], tip: [0, 0, 60], diameter_mm: 3.2 } as const;
    expect(format.tunnelName({ ...line, entry: [...line.entry], tip: [...line.tip] }, 1)).toBe("2: ⌀ 3.2 mm");
  });

  it("a signature and an acceptance are told, or that there is none", () => {
    const signed = { name: "A. Surgeon", day: "2026-11-22" };
    expect(format.signature({ accepted: null, signed: null })).toMatch(/^Not signed\./);
    expect(format.signature({ accepted: "agreed", signed })).toBe(
      "Accepted: agreed. Signed by A. Surgeon, 2026-11-22.",
    );
  });

  it("numbers to transcribe are those of one tunnel, each with its name", () => {
    const table = {
      columns: ["Tunnel", "Drill ⌀"],
      rows: [
        ["1", "8 mm"],
        ["2", "6 mm"],
      ],
      level_assumed: false,
    };
    expect(format.transcribed(table, 1)).toEqual([
      ["Tunnel", "2"],
      ["Drill ⌀", "6 mm"],
    ]);
    expect(format.transcribed(table, 2)).toEqual([]);
  });
});

describe("keyAction", () => {
  const press = (key: string, held: Partial<Record<"ctrlKey" | "metaKey" | "altKey" | "shiftKey", true>> = {}) =>
    keyAction({ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...held });

  it("undoes and redoes", () => {
    expect(press("z", { ctrlKey: true })).toEqual({ do: "undo" });
    expect(press("z", { metaKey: true })).toEqual({ do: "undo" });
    expect(press("Z", { ctrlKey: true, shiftKey: true })).toEqual({ do: "redo" });
    expect(press("z")).toBeNull();
  });

  it("nudges along the axis of the key, and leaves combinations to the browser", () => {
    for (const nudge of NUDGES) {
      expect(press(nudge.key)).toEqual({ do: "nudge", nudge });
      expect(press(nudge.key, { altKey: true })).toBeNull();
      expect(press(nudge.key, { ctrlKey: true })).toBeNull();
    }
    expect(press("a")).toBeNull();
  });

  it("has each move with its opposite", () => {
    for (const { axis, sign } of NUDGES) expect(NUDGES.some((n) => n.axis === axis && n.sign === -sign)).toBe(true);
  });
});
