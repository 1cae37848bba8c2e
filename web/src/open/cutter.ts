// Cuts a volume on the graphics card: image and masks lie there as textures, and a plane is one draw.
import type { Vector } from "../geometry";
import { AXES, type PlaneName, type Volume } from "./volume";

const VERTEX = `#version 300 es
in vec2 corner;
out vec2 at;
void main() { at = 0.5 * corner; gl_Position = vec4(corner, 0.0, 1.0); }`;

/** A mask's edge is where a neighbour, two pixels on, is not in it. */
const FRAGMENT = `#version 300 es
precision highp float;
precision highp sampler3D;
precision highp usampler3D;
uniform sampler3D image;
uniform usampler3D bits;
uniform mat4 indexFromWorld;
uniform vec3 size, middle, right, up;
uniform vec2 shades;
uniform float field, pixel;
uniform vec3 colors[3];
uniform uint shown;
in vec2 at;
out vec4 color;
vec3 indexOf(vec2 place) {
  return (indexFromWorld * vec4(middle + field * (place.x * right + place.y * up), 1.0)).xyz;
}
bool within(vec3 index) { return all(greaterThan(index, vec3(-0.5))) && all(lessThan(index, size - 0.5)); }
uint bitsAt(vec2 place) {
  vec3 index = indexOf(place);
  return within(index) ? texelFetch(bits, ivec3(floor(index + 0.5)), 0).r : 0u;
}
void main() {
  vec3 index = indexOf(at);
  float value = within(index) ? texture(image, (index + 0.5) / size).r : shades.x;
  vec3 shade = vec3(clamp((value - shades.x) / (shades.y - shades.x), 0.0, 1.0));
  uint here = bitsAt(at) & shown;
  if (here != 0u) {
    float step = 2.0 * pixel;
    uint around = bitsAt(at + vec2(step, 0)) & bitsAt(at - vec2(step, 0))
      & bitsAt(at + vec2(0, step)) & bitsAt(at - vec2(0, step));
    uint edge = here & ~around;
    for (int k = 0; k < 3; k++) if ((edge & (1u << uint(k))) != 0u) shade = colors[k];
  }
  color = vec4(shade, 1.0);
}`;

export interface Cut {
  readonly name: PlaneName;
  readonly middle: Vector;
  readonly field: number;
  readonly shades: readonly [number, number];
  /** Bits of the masks that are outlined. */
  readonly shown: number;
}

export class Cutter {
  readonly canvas = document.createElement("canvas");
  private readonly gl: WebGL2RenderingContext;
  private readonly program: WebGLProgram;
  private readonly places = new Map<string, WebGLUniformLocation | null>();

  /** Throws where the browser has no WebGL 2, or the volume is larger than it takes. */
  constructor(private readonly volume: Volume) {
    const gl = this.canvas.getContext("webgl2", { antialias: false, depth: false, preserveDrawingBuffer: true });
    if (!gl) throw new Error("no WebGL 2");
    this.gl = gl;
    this.program = linked(gl);
    gl.useProgram(this.program);
    const corners = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, corners);
    gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([-1, -1, 1, -1, -1, 1, 1, 1]), gl.STATIC_DRAW);
    const corner = gl.getAttribLocation(this.program, "corner");
    gl.enableVertexAttribArray(corner);
    gl.vertexAttribPointer(corner, 2, gl.FLOAT, false, 0, 0);
    this.load();
  }

  /** A plane on the cutter's own canvas, square, so many pixels wide. */
  cut({ name, middle, field, shades, shown }: Cut, pixels: number): void {
    const { gl } = this;
    if (this.canvas.width !== pixels) this.canvas.width = this.canvas.height = pixels;
    gl.viewport(0, 0, pixels, pixels);
    const { right, up } = AXES[name];
    gl.uniform3fv(this.place("middle"), middle);
    gl.uniform3fv(this.place("right"), right);
    gl.uniform3fv(this.place("up"), up);
    gl.uniform2f(this.place("shades"), shades[0], Math.max(shades[1], shades[0] + 1e-3));
    gl.uniform1f(this.place("field"), field);
    gl.uniform1f(this.place("pixel"), 1 / pixels);
    gl.uniform1ui(this.place("shown"), shown);
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
  }

  /** Lets go of the textures. */
  close(): void {
    this.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }

  private load(): void {
    const { gl } = this;
    const { header, image, bits } = this.volume;
    const [width = 1, height = 1, depth = 1] = header.shape;
    const most = gl.getParameter(gl.MAX_3D_TEXTURE_SIZE) as number;
    if (Math.max(width, height, depth) > most) throw new Error(`a volume of over ${most} voxels along an axis`);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    const texture = (unit: number, filter: number): void => {
      gl.activeTexture(gl.TEXTURE0 + unit);
      gl.bindTexture(gl.TEXTURE_3D, gl.createTexture());
      for (const side of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T, gl.TEXTURE_WRAP_R]) {
        gl.texParameteri(gl.TEXTURE_3D, side, gl.CLAMP_TO_EDGE);
      }
      gl.texParameteri(gl.TEXTURE_3D, gl.TEXTURE_MIN_FILTER, filter);
      gl.texParameteri(gl.TEXTURE_3D, gl.TEXTURE_MAG_FILTER, filter);
    };
    texture(0, gl.LINEAR);
    gl.texImage3D(gl.TEXTURE_3D, 0, gl.R16F, width, height, depth, 0, gl.RED, gl.HALF_FLOAT, image);
    texture(1, gl.NEAREST);
    gl.texImage3D(gl.TEXTURE_3D, 0, gl.R8UI, width, height, depth, 0, gl.RED_INTEGER, gl.UNSIGNED_BYTE, bits);
    gl.uniform1i(this.place("image"), 0);
    gl.uniform1i(this.place("bits"), 1);
    gl.uniform3f(this.place("size"), width, height, depth);
    // Rows as the planner has them; the card's matrices run by columns.
    gl.uniformMatrix4fv(this.place("indexFromWorld"), true, header.index_from_world);
    const colors = [1, 2, 4].flatMap((bit) => header.masks.find((one) => one.bit === bit)?.color ?? [0, 0, 0]);
    gl.uniform3fv(
      this.place("colors"),
      colors.map((one) => one / 255),
    );
    if (gl.getError() !== gl.NO_ERROR) throw new Error("the graphics card does not take the volume");
  }

  private place(name: string): WebGLUniformLocation | null {
    let found = this.places.get(name);
    if (found === undefined) {
      found = this.gl.getUniformLocation(this.program, name);
      this.places.set(name, found);
    }
    return found;
  }
}

function linked(gl: WebGL2RenderingContext): WebGLProgram {
  const program = gl.createProgram();
  for (const [kind, source] of [
    [gl.VERTEX_SHADER, VERTEX],
    [gl.FRAGMENT_SHADER, FRAGMENT],
  ] as const) {
    const shader = gl.createShader(kind);
    if (!shader) throw new Error("no shader");
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program) ?? "no program");
  return program;
}
