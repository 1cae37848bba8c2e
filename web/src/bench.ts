// The review's scene: the tunnels as they stand, another set beside them, and handles to drag at entry and tip.
//
// Nothing is measured here. While a handle is dragged the drill follows it at once, as long as it was; where it
// really begins on the bone comes with the answer.
import { CylinderGeometry, type Object3D, Quaternion, Vector3 } from "three";
import { painted } from "./bodies";
import type { Label, SceneData, Vector, View } from "./data";
import { Viewer } from "./viewer";

/** A tunnel in mm from the head's centre. */
export interface Bore {
  entry: Vector;
  tip: Vector;
  diameter: number;
  cavityDiameter: number;
  cavityLength: number;
}

export type End = "entry" | "tip";

export interface Hooks {
  /** An end has been put somewhere; it may be put elsewhere before it is let go. */
  dragged(bore: Bore): void;
  /** Let go: `bore` is meant. */
  dropped(bore: Bore): void;
  /** The system took the pointer away: nothing was meant. */
  cancelled(): void;
}

export interface Colors {
  face: string;
  edge: string;
}

/** A handle is caught within this of the pointer, CSS pixels: a fingertip, or a mouse. */
const REACH_PX = { touch: 34, mouse: 20 };
const HANDLE_MM = 2.6;
const OPACITY: [number, number] = [0.78, 0.95];
const GHOST: Colors = { face: "#8A8A8A", edge: "#4A4A4A" };
const GHOST_OPACITY: [number, number] = [0.25, 0.7];
/** How far beyond a tip its number stands, mm. */
const NUMBER_MM = 4;

const vector = (v: Vector): Vector3 => new Vector3(...v);
const plain = (v: Vector3): Vector => [v.x, v.y, v.z];

function cylinder(from: Vector3, to: Vector3, diameter: number): CylinderGeometry {
  const way = to.clone().sub(from);
  const geometry = new CylinderGeometry(diameter / 2, diameter / 2, way.length(), 48, 1);
  geometry.applyQuaternion(new Quaternion().setFromUnitVectors(new Vector3(0, 1, 0), way.normalize()));
  const middle = from.clone().add(to).multiplyScalar(0.5);
  geometry.translate(middle.x, middle.y, middle.z);
  return geometry;
}

function drawn(bores: Bore[], colors: Colors, opacity: [number, number]): Object3D[] {
  const paint = { part: "tunnels", opacity, ...colors };
  return bores.flatMap((bore) => {
    const [entry, tip] = [vector(bore.entry), vector(bore.tip)];
    const bodies = [painted(cylinder(entry, tip, bore.diameter), paint)];
    if (bore.cavityDiameter > 0) {
      const length = Math.min(bore.cavityLength, entry.distanceTo(tip));
      const start = tip.clone().addScaledVector(tip.clone().sub(entry).normalize(), -length);
      bodies.push(painted(cylinder(start, tip, bore.cavityDiameter), paint));
    }
    return bodies;
  });
}

export class Bench {
  private readonly viewer: Viewer;
  private bores: Bore[] = [];
  private selected = 0;
  private colors: Colors = GHOST;
  private view = "front";
  private drag?: { end: End; bore: Bore; x: number; y: number; pointer: number; moved: boolean; length: number };

  constructor(
    private readonly stage: HTMLElement,
    private readonly data: SceneData,
    private readonly hooks: Hooks,
  ) {
    this.viewer = new Viewer(stage, data);
    // Before the orbit controls, which listen on the canvas, see the pointer.
    stage.addEventListener("pointerdown", (event) => this.catch(event), { capture: true });
    stage.addEventListener("pointermove", (event) => this.move(event), { capture: true });
    for (const name of ["pointerup", "pointercancel"] as const) {
      stage.addEventListener(name, (event) => this.release(event), { capture: true });
    }
    this.look("front");
    stage.dataset.ready = "yes";
  }

  /** The tunnels as they stand. One under the hand stays where the hand has it, and takes the answer's length. */
  stand(bores: Bore[], selected: number, colors: Colors): void {
    this.colors = colors;
    this.selected = selected;
    const held = this.drag?.moved ? this.bores[this.selected] : undefined;
    const told = bores[this.selected];
    if (this.drag && told) this.drag.length = vector(told.entry).distanceTo(vector(told.tip));
    this.bores = bores.map((bore, k) => (held && k === this.selected ? held : bore));
    this.paint();
  }

  /** Another set beside them, none to take it away. */
  beside(bores: Bore[]): void {
    this.viewer.refill("ghost", drawn(bores, GHOST, GHOST_OPACITY));
  }

  /** From one of the data's views; along: along the selected tunnel. */
  look(key: string): void {
    const view = this.data.views.find((v) => v.key === key);
    if (!view) return;
    this.view = key;
    this.viewer.look(key === "along" ? this.along(view) : view);
    this.viewer.fade("tunnels", key === "along" ? [0.35, 0.35] : undefined);
    this.stage.dataset.view = key;
  }

  /** Where an end of the selected tunnel is on the stage, CSS pixels from its upper left corner. */
  place(end: End): [number, number] | null {
    const bore = this.bores[this.selected];
    return bore ? this.viewer.place(vector(bore[end])) : null;
  }

  show(part: string, visible: boolean): void {
    this.viewer.show(part, visible);
  }

  private along(view: View): View {
    const bore = this.bores[this.selected];
    if (!bore) return view;
    return { ...view, into: plain(vector(bore.tip).sub(vector(bore.entry)).normalize()) };
  }

  /** A tunnel as it is drawn: one dragged by its entry ends about where the bone does, not in the hand. */
  private seen(bore: Bore, number: number): Bore {
    if (!this.drag?.moved || this.drag.end !== "entry" || number !== this.selected) return bore;
    const tip = vector(bore.tip);
    const way = vector(bore.entry).sub(tip).normalize();
    return { ...bore, entry: plain(tip.addScaledVector(way, this.drag.length)) };
  }

  private paint(): void {
    this.viewer.refill("tunnels", drawn(this.bores.map((bore, k) => this.seen(bore, k)), this.colors, OPACITY));
    if (this.view === "along") this.viewer.fade("tunnels", [0.35, 0.35]);
    const bore = this.bores[this.selected];
    const labels: Label[] = [];
    this.viewer.refill("handles", bore ? [
      ...this.viewer.mark({ part: "handles", radius: HANDLE_MM, at: bore.entry }),
      ...this.viewer.mark({ part: "handles", radius: HANDLE_MM, at: bore.tip }, ["#FFFFFF", this.colors.face]),
    ] : []);
    if (bore && this.bores.length === 1) {
      labels.push({ part: "tunnels", at: bore.entry, text: "entry" }, { part: "tunnels", at: bore.tip, text: "tip" });
    }
    if (this.bores.length > 1) {
      this.bores.forEach((one, k) => {
        const tip = vector(one.tip);
        const way = tip.clone().sub(vector(one.entry)).normalize();
        labels.push({ part: "tunnels", at: plain(tip.addScaledVector(way, NUMBER_MM)), text: String(k + 1) });
      });
    }
    this.viewer.relabel(labels);
    // Where the handles are: for those who look on from outside.
    this.stage.dataset.entry = this.placed("entry");
    this.stage.dataset.tip = this.placed("tip");
  }

  private placed(end: End): string {
    return this.place(end)?.map((v) => v.toFixed(1)).join(" ") ?? "";
  }

  private catch(event: PointerEvent): void {
    const bore = this.bores[this.selected];
    if (!bore || event.button !== 0 || this.drag) return;
    const box = this.stage.getBoundingClientRect();
    const reach = event.pointerType === "touch" ? REACH_PX.touch : REACH_PX.mouse;
    let found: { end: End; away: number } | undefined;
    for (const end of ["tip", "entry"] as const) {
      const [x, y] = this.place(end)!;
      const away = Math.hypot(event.clientX - box.left - x, event.clientY - box.top - y);
      if (away <= reach && (!found || away < found.away)) found = { end, away };
    }
    if (!found) return;
    event.stopPropagation();
    event.preventDefault();
    this.stage.focus({ preventScroll: true });
    this.stage.setPointerCapture(event.pointerId);
    const length = vector(bore.entry).distanceTo(vector(bore.tip));
    const { clientX: x, clientY: y, pointerId: pointer } = event;
    this.drag = { end: found.end, bore, x, y, pointer, moved: false, length };
  }

  private move(event: PointerEvent): void {
    if (!this.drag || event.pointerId !== this.drag.pointer) return;
    event.stopPropagation();
    const { end, bore } = this.drag;
    // In the plane that faces the onlooker: a pixel is as many millimetres at any depth.
    const [right, up] = this.viewer.basis();
    const mm = this.viewer.mmPerPixel;
    const at = vector(bore[end])
      .addScaledVector(right, (event.clientX - this.drag.x) * mm)
      .addScaledVector(up, -(event.clientY - this.drag.y) * mm);
    const other = vector(bore[end === "tip" ? "entry" : "tip"]);
    if (at.distanceTo(other) < 1) return;
    this.drag.moved = true;
    this.bores = this.bores.map((one, k) => (k === this.selected ? { ...bore, [end]: plain(at) } : one));
    this.paint();
    this.hooks.dragged(this.bores[this.selected]!);
  }

  private release(event: PointerEvent): void {
    if (!this.drag || event.pointerId !== this.drag.pointer) return;
    event.stopPropagation();
    const { moved } = this.drag;
    const bore = this.bores[this.selected]!;
    this.drag = undefined;
    if (!moved) return;
    if (event.type === "pointercancel") this.hooks.cancelled();
    else this.hooks.dropped(bore);
  }
}
