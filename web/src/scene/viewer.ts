// The scene: bodies, lines, markers, letters at the edges, and a parallel camera turned by hand.
import {
  Group,
  Mesh,
  MeshBasicMaterial,
  type Object3D,
  OrthographicCamera,
  Scene,
  SphereGeometry,
  Vector3,
  WebGLRenderer,
} from "three";
import { OrbitControls } from "three/addons/controls/OrbitControls.js";
import { Line2 } from "three/addons/lines/Line2.js";
import { LineGeometry } from "three/addons/lines/LineGeometry.js";
import { LineMaterial } from "three/addons/lines/LineMaterial.js";
import { type PicturePlane, scale, scaleBarMm, sideLetters, type Vector } from "../geometry";
import { bodyMesh, setOpacity } from "./bodies";
import type { Label, Marker, Polyline, SceneData, View } from "./data";

/** Distance of the camera from what it looks at, mm: outside of any femur. */
const FAR_MM = 1000;
/** Nearest that two labels may stand, CSS pixels. */
const APART_PX = 18;
/** Opacity of tunnels that one looks along. */
export const SEE_THROUGH: [number, number] = [0.35, 0.35];

export const toVector3 = (v: Vector): Vector3 => new Vector3(...v);
export const toTuple = (v: Vector3): Vector => [v.x, v.y, v.z];

/** Whether WebGL is a program's work here, by the name of what draws. */
function usesSoftwareRenderer(): boolean {
  const context = document.createElement("canvas").getContext("webgl");
  const names = context?.getExtension("WEBGL_debug_renderer_info");
  const name: unknown = names && context!.getParameter(names.UNMASKED_RENDERER_WEBGL);
  context?.getExtension("WEBGL_lose_context")?.loseContext();
  return /swiftshader|llvmpipe|softpipe|software/i.test(String(name));
}

/** A scene turned by less, rad, counts as not turned: rounding, and a hand that trembles. */
const TURNED_RAD = 0.01;

export class Viewer {
  readonly parts = new Map<string, Group>();
  private readonly scene = new Scene();
  private readonly camera = new OrthographicCamera(-1, 1, 1, -1, 1, 2 * FAR_MM);
  private readonly renderer: WebGLRenderer;
  private readonly controls: OrbitControls;
  private readonly letters = new Map<string, HTMLElement>();
  private readonly labels: { element: HTMLElement; at: Vector3; part: string; text: string }[] = [];
  private readonly scaleBar: HTMLElement;
  private size: [number, number] = [100, 100];
  private drawing = false;
  /** Where the view looks that was last chosen. */
  private readonly into = new Vector3();

  constructor(
    private readonly stage: HTMLElement,
    private readonly data: SceneData,
    /** Called when the scene is turned out of the view that was chosen; moved and zoomed it still is that view. */
    private readonly turned: () => void = () => undefined,
  ) {
    // A machine without a graphics card paints each sample by hand: there a drag goes before smooth edges.
    const slow = usesSoftwareRenderer();
    this.renderer = new WebGLRenderer({ antialias: !slow });
    this.renderer.setPixelRatio(slow ? 1 : Math.min(window.devicePixelRatio, 2));
    this.renderer.setClearColor(0xffffff);
    stage.append(this.renderer.domElement);

    for (const body of data.bodies) this.part(body.part).add(bodyMesh(body));
    for (const line of data.lines) this.part(line.part).add(this.makeLine(line));
    for (const marker of data.markers) this.part(marker.part).add(...this.makeMarker(marker));
    for (const label of data.labels) this.addLabel(label);
    for (const edge of ["left", "right", "top", "bottom"]) {
      this.letters.set(edge, this.addOverlay(`letter ${edge}`));
    }

    this.scaleBar = this.addOverlay("scale");

    // Before the controls are made: they take the way up from the camera once.
    this.camera.up.copy(toVector3(data.axes.superior));
    this.controls = new OrbitControls(this.camera, this.renderer.domElement);
    this.controls.addEventListener("change", () => {
      if (this.camera.getWorldDirection(new Vector3()).angleTo(this.into) > TURNED_RAD) this.turned();
      this.draw();
    });
    new ResizeObserver(() => this.resize()).observe(stage);
    this.resize();
  }

  /** Turns the camera to one of the data's views. */
  showView(view: View): void {
    this.size = [view.width, view.height];
    this.into.copy(toVector3(view.into)).normalize();
    this.controls.target.copy(toVector3(view.center));
    this.camera.position.copy(toVector3(view.center)).addScaledVector(toVector3(view.into), -FAR_MM);
    this.camera.zoom = 1;
    this.resize();
    this.controls.update();
    this.camera.updateMatrixWorld();
    this.draw();
  }

  setVisible(part: string, visible: boolean): void {
    const group = this.parts.get(part);
    if (group) group.visible = visible;
    this.draw();
  }

  /** Gives the bodies of a part another opacity, or their own again. */
  setOpacity(part: string, opacity?: [number, number]): void {
    const group = this.parts.get(part);
    if (group) setOpacity(group, opacity);
    this.draw();
  }

  /** Draws once before the next frame: a page at rest costs nothing. */
  draw(): void {
    if (this.drawing) return;
    this.drawing = true;
    requestAnimationFrame(() => {
      this.drawing = false;
      this.renderer.render(this.scene, this.camera);
      this.placeOverlays();
    });
  }

  /** Where a point is on the stage, in CSS pixels from its upper left corner. */
  project(at: Vector3): [number, number] {
    const p = at.clone().project(this.camera);
    return [((p.x + 1) / 2) * this.stage.clientWidth, ((1 - p.y) / 2) * this.stage.clientHeight];
  }

  /** Millimetres that a CSS pixel shows. */
  get mmPerPixel(): number {
    return (this.camera.right - this.camera.left) / (this.stage.clientWidth * this.camera.zoom);
  }

  /** The plane that faces the onlooker now. */
  get picturePlane(): PicturePlane {
    const [right, up] = [new Vector3(), new Vector3()];
    this.camera.matrixWorld.extractBasis(right, up, new Vector3());
    return { right: toTuple(right), up: toTuple(up) };
  }

  /** Puts other objects in a part's place; what stood there gives its memory back. */
  replacePart(name: string, objects: Object3D[]): void {
    const group = this.part(name);
    group.traverse((object) => {
      if (!(object instanceof Mesh)) return;
      object.geometry.dispose();
      (object.material as { dispose(): void }).dispose();
    });
    group.clear();
    if (objects.length) group.add(...objects);
    this.draw();
  }

  /** Other labels in place of all there are. */
  replaceLabels(labels: Label[]): void {
    for (const { element } of this.labels) element.remove();
    this.labels.length = 0;
    for (const label of labels) this.addLabel(label);
    this.draw();
  }

  private addLabel({ part, at, text }: Label): void {
    this.labels.push({ element: this.addOverlay("label"), at: toVector3(at), part, text });
  }

  private part(name: string): Group {
    let group = this.parts.get(name);
    if (!group) {
      group = new Group();
      this.parts.set(name, group);
      this.scene.add(group);
    }
    return group;
  }

  private makeLine(line: Polyline): Line2 {
    const geometry = new LineGeometry().setPositions(line.points.flat());
    const material = new LineMaterial({ color: line.color, linewidth: 2, depthTest: false, transparent: true });
    if (line.dash) {
      material.dashed = true;
      [material.dashSize, material.gapSize] = line.dash;
    }
    const result = new Line2(geometry, material);
    result.computeLineDistances();
    result.renderOrder = 5;
    return result;
  }

  /** A ball that is seen through whatever lies before it. */
  makeMarker(marker: Marker, colors: [string, string] = ["#111111", "#FFFFFF"]): Mesh[] {
    return (
      [
        [1, colors[0], 6],
        [0.72, colors[1], 7],
      ] as const
    ).map(([scale, color, order]) => {
      const material = new MeshBasicMaterial({ color, depthTest: false, transparent: true });
      const ball = new Mesh(new SphereGeometry(marker.radius * scale, 24, 16), material);
      ball.position.copy(toVector3(marker.at));
      ball.renderOrder = order;
      return ball;
    });
  }

  private addOverlay(name: string): HTMLElement {
    const element = document.createElement("span");
    element.className = name;
    this.stage.append(element);
    return element;
  }

  private resize(): void {
    const width = Math.max(this.stage.clientWidth, 1);
    const height = Math.max(this.stage.clientHeight, 1);
    this.renderer.setSize(width, height, false);
    const half = Math.max(this.size[1], (this.size[0] * height) / width) / 2;
    this.camera.top = half;
    this.camera.bottom = -half;
    this.camera.right = (half * width) / height;
    this.camera.left = -this.camera.right;
    this.camera.updateProjectionMatrix();
    this.draw();
  }

  /** Letters and labels follow the camera. */
  private placeOverlays(): void {
    const { right, up } = this.picturePlane;
    const edges: [string, Vector][] = [
      ["left", scale(right, -1)],
      ["right", right],
      ["top", up],
      ["bottom", scale(up, -1)],
    ];
    for (const [edge, direction] of edges) {
      this.letters.get(edge)!.textContent = sideLetters(direction, this.data.axes);
    }
    this.updateScaleBar();
    const placed: { element: HTMLElement; x: number; y: number }[] = [];
    for (const { element, at, part, text } of this.labels) {
      element.hidden = this.parts.get(part)?.visible === false;
      if (element.hidden) continue;
      const [x, y] = this.project(at);
      // Labels that would cover each other share one.
      const near = placed.find((other) => Math.hypot(other.x - x, other.y - y) < APART_PX);
      element.hidden = near !== undefined;
      if (near) near.element.textContent += ` ${text}`;
      else {
        element.textContent = text;
        element.style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px)`;
        placed.push({ element, x, y });
      }
    }
  }

  /** A fifth of the picture at most. */
  private updateScaleBar(): void {
    const length = scaleBarMm(0.2 * this.stage.clientWidth * this.mmPerPixel);
    this.scaleBar.style.width = `${(length / this.mmPerPixel).toFixed(1)}px`;
    this.scaleBar.textContent = `${length} mm`;
  }
}
