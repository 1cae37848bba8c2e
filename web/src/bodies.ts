// Bone, necrosis and tunnels, shaded as on the preview picture: light and transparent where seen
// square on, dark and dense at the rim.
import { BufferAttribute, BufferGeometry, Color, FrontSide, Group, Mesh, type Object3D, ShaderMaterial } from "three";
import { type Body, floats, integers } from "./data";

const VERTEX = `
varying vec3 vNormal;
void main() {
  vNormal = normalMatrix * normal;
  gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.0);
}`;

// The camera is parallel, so the way to the viewer is +z everywhere.
const FRAGMENT = `
uniform vec3 face;
uniform vec3 edge;
uniform vec2 opacity;
varying vec3 vNormal;
void main() {
  float rim = 1.0 - clamp(normalize(vNormal).z, 0.0, 1.0);
  rim *= rim;
  gl_FragColor = vec4(mix(face, edge, rim), mix(opacity.x, opacity.y, rim));
}`;

// Colours are given as the screen shows them; the shader writes them unconverted.
const plain = (color: string): Color => new Color().setStyle(color, "");

function geometryOf(body: Body): BufferGeometry {
  const geometry = new BufferGeometry();
  geometry.setAttribute("position", new BufferAttribute(floats(body.points), 3));
  geometry.setIndex(new BufferAttribute(integers(body.triangles), 1));
  geometry.computeVertexNormals();
  return geometry;
}

/** How a body is painted: see Body. */
export type Paint = Pick<Body, "part" | "face" | "edge" | "opacity">;

function materialOf(body: Paint): ShaderMaterial {
  const [facing, rim] = body.opacity;
  return new ShaderMaterial({
    vertexShader: VERTEX,
    fragmentShader: FRAGMENT,
    uniforms: {
      face: { value: plain(body.face) },
      edge: { value: plain(body.edge) },
      opacity: { value: { x: facing, y: rim } },
    },
    side: FrontSide,
    transparent: true,
  });
}

/** Order of painting; all count as transparent, so that it holds between them. */
const ORDER = { tunnelBehind: 0, lesion: 1, tunnelBefore: 2, boneDepth: 3, bone: 4 };

/** Gives every body of a group another opacity, or its own again. */
export function fade(group: Object3D, opacity?: [number, number]): void {
  group.traverse((object) => {
    if (!(object instanceof Mesh) || !(object.material instanceof ShaderMaterial)) return;
    const [facing, rim] = opacity ?? (object.userData.opacity as [number, number]);
    object.material.uniforms.opacity!.value = { x: facing, y: rim };
  });
}

/** One body, so painted that one looks through the bone at what is in it, and sees what lies before what. */
export function solid(body: Body): Group {
  return painted(geometryOf(body), body);
}

/** The same of a geometry made here. */
export function painted(geometry: BufferGeometry, body: Paint): Group {
  const group = new Group();
  const paint = (order: number): ShaderMaterial => {
    const material = materialOf(body);
    const mesh = new Mesh(geometry, material);
    mesh.renderOrder = order;
    mesh.userData.opacity = body.opacity;
    group.add(mesh);
    return material;
  };
  if (body.part === "lesion") {
    const material = paint(ORDER.lesion);
    // The necrosis reaches the bone's surface, where the two coincide: it wins.
    material.polygonOffset = true;
    material.polygonOffsetFactor = -1;
    // Steps of the depth buffer, 2,000 mm in 2^24: about 0.8 mm.
    material.polygonOffsetUnits = -7000;
  } else if (body.part === "bone") {
    // First the depth alone, so that one looks through one wall of bone and not through four.
    paint(ORDER.boneDepth).colorWrite = false;
    paint(ORDER.bone).depthWrite = false;
  } else {
    // Once for where it lies behind the necrosis, once for where it lies before: a cavity may hold it all.
    paint(ORDER.tunnelBehind).depthWrite = false;
    paint(ORDER.tunnelBefore);
  }
  return group;
}
