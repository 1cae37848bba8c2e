// The review's scene: the tunnels as they stand, another set beside them, and handles to drag at entry and tip.
//
// Nothing is measured here. While a handle is dragged the drill follows it at once, as long as it was; where it
// really begins on the bone comes with the answer.
import { CylinderGeometry, type Object3D, Quaternion, Vector3 } from "three";
import type { End, Tunnel, TunnelColors } from "../api";
import { add, distance, dragInPlane, entryAtLength, normalize, scale, subtract, type Vector } from "../geometry";
import { paintedMesh } from "./bodies";
import type { Label, SceneData, View } from "./data";
import { say } from "../language";
import { SEE_THROUGH, toVector3, Viewer } from "./viewer";

/** What happens to the selected tunnel under the hand; its ends in mm from the head's centre, as in the scene. */
export interface TunnelEvents {
  /** An end has been put somewhere; it may be put elsewhere before it is let go. */
  dragged(tunnel: Tunnel): void;
  /** Let go: `tunnel` is meant. */
  dropped(tunnel: Tunnel): void;
  /** The system took the pointer away: nothing was meant. */
  cancelled(): void;
  /** The scene was turned out of the view that was chosen. */
  turned(): void;
}

interface Drag {
  end: End;
  /** The tunnel as it was when it was taken hold of. */
  tunnel: Tunnel;
  /** Where the pointer was then. */
  x: number;
  y: number;
  pointer: number;
  moved: boolean;
  /** The tunnel's length, as last answered. */
  length: number;
}

/** A handle is caught within this of the pointer, CSS pixels: a fingertip, or a mouse. */
const REACH_PX = { touch: 34, mouse: 20 };
const HANDLE_MM = 2.6;
/** An end is not dragged nearer than this to the other one. */
const SHORTEST_MM = 1;
const OPACITY: [number, number] = [0.78, 0.95];
const COMPARED: TunnelColors = { face: "#8A8A8A", edge: "#4A4A4A" };
const COMPARED_OPACITY: [number, number] = [0.25, 0.7];
/** How far beyond a tip its number stands, mm. */
const NUMBER_MM = 4;

const otherEnd = (end: End): End => (end === "tip" ? "entry" : "tip");
const lengthOf = ({ entry, tip }: Tunnel): number => distance(entry, tip);
const directionOf = ({ entry, tip }: Tunnel): Vector => normalize(subtract(tip, entry));

function cylinder(from: Vector, to: Vector, diameter: number): CylinderGeometry {
  const geometry = new CylinderGeometry(diameter / 2, diameter / 2, distance(from, to), 48, 1);
  const direction = toVector3(normalize(subtract(to, from)));
  geometry.applyQuaternion(new Quaternion().setFromUnitVectors(new Vector3(0, 1, 0), direction));
  geometry.translate(...scale(add(from, to), 0.5));
  return geometry;
}

function tunnelMeshes(
  tunnels: Tunnel[],
  colorOf: (index: number) => TunnelColors,
  opacity: [number, number],
): Object3D[] {
  return tunnels.flatMap((tunnel, index) => {
    const paint = { part: "tunnels", opacity, ...colorOf(index) };
    const { entry, tip } = tunnel;
    const meshes = [paintedMesh(cylinder(entry, tip, tunnel.diameter_mm), paint)];
    if (tunnel.cavity_diameter_mm > 0) {
      const start = entryAtLength(tip, entry, Math.min(tunnel.cavity_length_mm, lengthOf(tunnel)));
      meshes.push(paintedMesh(cylinder(start, tip, tunnel.cavity_diameter_mm), paint));
    }
    return meshes;
  });
}

export class TunnelEditor {
  private readonly viewer: Viewer;
  private tunnels: Tunnel[] = [];
  private selected = 0;
  private colors: TunnelColors[] = [];
  private view = "front";
  private drag?: Drag;
  private editable = true;

  constructor(
    private readonly stage: HTMLElement,
    private readonly data: SceneData,
    private readonly events: TunnelEvents,
  ) {
    this.viewer = new Viewer(stage, data, () => {
      this.stage.dataset.view = "";
      this.events.turned();
    });
    // Before the orbit controls, which listen on the canvas, see the pointer.
    stage.addEventListener("pointerdown", (event) => this.startDrag(event), { capture: true });
    stage.addEventListener("pointermove", (event) => this.moveDrag(event), { capture: true });
    for (const name of ["pointerup", "pointercancel"] as const) {
      stage.addEventListener(name, (event) => this.endDrag(event), { capture: true });
    }
    this.showView("front");
    stage.dataset.ready = "yes";
  }

  /** The tunnels as they stand. One under the hand stays where the hand has it, and takes the answer's length. */
  showTunnels(tunnels: Tunnel[], selected: number, colors: TunnelColors[]): void {
    this.colors = colors;
    this.selected = selected;
    const held = this.drag?.moved ? this.tunnels[selected] : undefined;
    const answered = tunnels[selected];
    if (this.drag && answered) this.drag.length = lengthOf(answered);
    this.tunnels = tunnels.map((tunnel, index) => (held && index === selected ? held : tunnel));
    this.redraw();
  }

  /** Whether the ends can be taken hold of. */
  setEditable(editable: boolean): void {
    if (this.editable === editable) return;
    this.editable = editable;
    this.redraw();
  }

  /** Another set beside them, none to take it away. */
  showComparison(tunnels: Tunnel[]): void {
    this.viewer.replacePart(
      "compared",
      tunnelMeshes(tunnels, () => COMPARED, COMPARED_OPACITY),
    );
  }

  /** From one of the data's views; along: along the selected tunnel. */
  showView(key: string): void {
    const view = this.data.views.find((v) => v.key === key);
    if (!view) return;
    this.view = key;
    this.viewer.showView(key === "along" ? this.alongTunnel(view) : view);
    this.viewer.setOpacity("tunnels", key === "along" ? SEE_THROUGH : undefined);
    this.stage.dataset.view = key;
  }

  setVisible(part: string, visible: boolean): void {
    this.viewer.setVisible(part, visible);
  }

  private alongTunnel(view: View): View {
    const tunnel = this.tunnels[this.selected];
    return tunnel ? { ...view, into: directionOf(tunnel) } : view;
  }

  /** A tunnel as it is drawn: one dragged by its entry begins about where the bone does, not in the hand. */
  private drawn(tunnel: Tunnel, index: number): Tunnel {
    if (!this.drag?.moved || this.drag.end !== "entry" || index !== this.selected) return tunnel;
    return { ...tunnel, entry: entryAtLength(tunnel.tip, tunnel.entry, this.drag.length) };
  }

  private redraw(): void {
    const drawn = this.tunnels.map((tunnel, index) => this.drawn(tunnel, index));
    this.viewer.replacePart(
      "tunnels",
      tunnelMeshes(drawn, (index) => this.colorOf(index), OPACITY),
    );
    if (this.view === "along") this.viewer.setOpacity("tunnels", SEE_THROUGH);
    this.viewer.replacePart("handles", this.handles());
    this.viewer.replaceLabels(this.labels());
    // Where the handles are: for those who look on from outside.
    this.stage.dataset.entry = this.handlePosition("entry");
    this.stage.dataset.tip = this.handlePosition("tip");
  }

  private colorOf(index: number): TunnelColors {
    return this.colors[index] ?? COMPARED;
  }

  private handles(): Object3D[] {
    const tunnel = this.tunnels[this.selected];
    if (!tunnel || !this.editable) return [];
    return [
      ...this.viewer.makeMarker({ part: "handles", radius: HANDLE_MM, at: tunnel.entry }),
      ...this.viewer.makeMarker({ part: "handles", radius: HANDLE_MM, at: tunnel.tip }, [
        "#FFFFFF",
        this.colorOf(this.selected).face,
      ]),
    ];
  }

  /** The ends of a single tunnel by name, if it is the selected one; of several their numbers beyond the tips. */
  private labels(): Label[] {
    if (this.tunnels.length > 1) {
      return this.tunnels.map((tunnel, index) => ({
        part: "tunnels",
        at: add(tunnel.tip, scale(directionOf(tunnel), NUMBER_MM)),
        text: String(index + 1),
      }));
    }
    const tunnel = this.tunnels[this.selected];
    if (!tunnel) return [];
    return [
      { part: "tunnels", at: tunnel.entry, text: say("entry") },
      { part: "tunnels", at: tunnel.tip, text: say("tip") },
    ];
  }

  private handlePosition(end: End): string {
    const tunnel = this.tunnels[this.selected];
    if (!tunnel) return "";
    const place = this.viewer.project(toVector3(tunnel[end]));
    return place.map((v) => v.toFixed(1)).join(" ");
  }

  private startDrag(event: PointerEvent): void {
    const tunnel = this.tunnels[this.selected];
    if (!tunnel || !this.editable || event.button !== 0 || this.drag) return;
    const end = this.handleNear(tunnel, event);
    if (!end) return;
    event.stopPropagation();
    event.preventDefault();
    this.stage.focus({ preventScroll: true });
    this.stage.setPointerCapture(event.pointerId);
    const { clientX: x, clientY: y, pointerId: pointer } = event;
    this.drag = { end, tunnel, x, y, pointer, moved: false, length: lengthOf(tunnel) };
  }

  /** The end whose handle is nearest the pointer, if one is within reach. */
  private handleNear(tunnel: Tunnel, event: PointerEvent): End | undefined {
    const box = this.stage.getBoundingClientRect();
    const reach = event.pointerType === "touch" ? REACH_PX.touch : REACH_PX.mouse;
    let nearest: { end: End; away: number } | undefined;
    for (const end of ["tip", "entry"] as const) {
      const [x, y] = this.viewer.project(toVector3(tunnel[end]));
      const away = Math.hypot(event.clientX - box.left - x, event.clientY - box.top - y);
      if (away <= reach && (!nearest || away < nearest.away)) nearest = { end, away };
    }
    return nearest?.end;
  }

  private moveDrag(event: PointerEvent): void {
    if (!this.drag || event.pointerId !== this.drag.pointer) return;
    event.stopPropagation();
    const { end, tunnel, x, y } = this.drag;
    // In the plane that faces the onlooker: a pixel is as many millimetres at any depth.
    const moved: [number, number] = [event.clientX - x, event.clientY - y];
    const at = dragInPlane(tunnel[end], this.viewer.picturePlane, moved, this.viewer.mmPerPixel);
    if (distance(at, tunnel[otherEnd(end)]) < SHORTEST_MM) return;
    this.drag.moved = true;
    const dragged = { ...tunnel, [end]: at };
    this.tunnels = this.tunnels.map((one, index) => (index === this.selected ? dragged : one));
    this.redraw();
    this.events.dragged(dragged);
  }

  private endDrag(event: PointerEvent): void {
    if (!this.drag || event.pointerId !== this.drag.pointer) return;
    event.stopPropagation();
    const { moved } = this.drag;
    const tunnel = this.tunnels[this.selected];
    this.drag = undefined;
    if (!moved || !tunnel) return;
    if (event.type === "pointercancel") this.events.cancelled();
    else this.events.dropped(tunnel);
  }
}
