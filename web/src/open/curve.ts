// The trade-off curve as a drawing; the same points stand in words below it.
import type { Endpoints } from "../api";
import { svgElement } from "../page/dom";
import { say } from "../language";

type Point = NonNullable<Endpoints["/api/job"]["answer"]["result"]>["curve"][number];

const [WIDTH, HEIGHT, LEFT, BOTTOM, MARGIN] = [420, 240, 54, 44, 14];

/** Removed share to the right, perforation upwards; both axes begin at 0. */
export function curve(points: readonly Point[]): SVGSVGElement {
  const drawing = svgElement("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    role: "img",
    "aria-label": say("Trade-off curve; its points are listed below"),
  });
  const most = (values: number[]): number => Math.max(...values, 1e-4) * 1.06;
  const across = most(points.map((one) => one.removed));
  const up = most(points.map((one) => one.perforation));
  const x = (share: number): number => LEFT + (share / across) * (WIDTH - LEFT - MARGIN);
  const y = (share: number): number => HEIGHT - BOTTOM - (share / up) * (HEIGHT - BOTTOM - MARGIN);
  const line = (x1: number, y1: number, x2: number, y2: number, stroke: string): SVGElement =>
    svgElement("line", { x1, y1, x2, y2, stroke });
  drawing.append(line(x(0), y(0), x(across), y(0), "#111"), line(x(0), y(0), x(0), y(up), "#111"));
  for (const [place, value, anchor] of [
    [x(0), 0, "middle"],
    [x(across / 2), across / 2, "middle"],
    [x(across), across, "end"],
  ] as const) {
    drawing.append(text(place, HEIGHT - BOTTOM + 16, percent(value), anchor));
  }
  for (const value of [up / 2, up]) drawing.append(text(LEFT - 6, y(value) + 4, percent(value), "end"));
  drawing.append(
    text((x(0) + x(across)) / 2, HEIGHT - 8, say("necrosis removed"), "middle"),
    text(LEFT + 6, MARGIN, say("perforation"), "start"),
  );
  const path = points.map((one) => `${x(one.removed).toFixed(1)},${y(one.perforation).toFixed(1)}`).join(" ");
  drawing.append(svgElement("polyline", { points: path, fill: "none", stroke: "#0072b2", "stroke-width": 2 }));
  for (const { removed, perforation, chosen, words } of points) {
    const mark = svgElement("circle", {
      cx: x(removed).toFixed(1),
      cy: y(perforation).toFixed(1),
      r: chosen ? 7 : 4,
      fill: chosen ? "#d55e00" : "#0072b2",
    });
    const title = svgElement("title", {});
    title.textContent = words;
    mark.append(title);
    drawing.append(mark);
  }
  return drawing;
}

const percent = (share: number): string => `${(100 * share).toFixed(share < 0.05 ? 1 : 0)} %`;

function text(x: number, y: number, words: string, anchor: string): SVGTextElement {
  const made = svgElement("text", { x, y, "text-anchor": anchor, "font-size": 12, fill: "#333" });
  made.textContent = words;
  return made;
}
