// Bone, necrosis and tunnels, shaded as on the preview picture: light and transparent where seen
// square on, dark and dense at the rim.
import { BufferAttribute, BufferGeometry, Color, FrontSide, Group, Mesh, type Object3D, ShaderMaterial } from "three";
import { type Body, decodeFloats, decodeIntegers, type Paint } from "./data";

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
const screenColor = (color: string): Color => new Color().setStyle(color, "");

function geometryOf(body: Body): BufferGeometry {
  const geometry = new BufferGeometry();
  geometry.setAttribute("position", new BufferAttribute(decodeFloats(body.points), 3));
  geometry.setIndex(new BufferAttribute(decodeIntegers(body.triangles), 1));
  geometry.computeVertexNormals();
  return geometry;
}

function materialOf(paint: Paint): ShaderMaterial {
  const [facing, rim] = paint.opacity;
  return new ShaderMaterial({
    vertexShader: VERTEX,
    fragmentShader: FRAGMENT,
    uniforms: {
      face: { value: screenColor(paint.face) },
      edge: { value: screenColor(paint.edge) },
      opacity: { value: { x: facing, y: rim } },
    },
    side: FrontSide,
    transparent: true,
  });
}

/** Order of painting; all count as transparent, so that it holds between them. */
const ORDER = { tunnelBehind: 0, lesion: 1, tunnelBefore: 2, boneDepth: 3, bone: 4 };

/** Gives every body of a group another opacity, or its own again. */
export function setOpacity(group: Object3D, opacity?: [number, number]): void {
  group.traverse((object) => {
    if (!(object instanceof Mesh) || !(object.material instanceof ShaderMaterial)) return;
    const [facing, rim] = opacity ?? (object.userData.opacity as [number, number]);
    object.material.uniforms.opacity!.value = { x: facing, y: rim };
  });
}

/** One body, so painted that one looks through the bone at what is in it, and sees what lies before what. */
export function bodyMesh(body: Body): Group {
  return paintedMesh(geometryOf(body), body);
}

/** The same of a geometry made here. */
export function paintedMesh(geometry: BufferGeometry, paint: Paint): Group {
  const group = new Group();
  const addPass = (order: number): ShaderMaterial => {
    const material = materialOf(paint);
    const mesh = new Mesh(geometry, material);
    mesh.renderOrder = order;
    mesh.userData.opacity = paint.opacity;
    group.add(mesh);
    return material;
  };
  if (paint.part === "lesion") {
    const material = addPass(ORDER.lesion);
    // The necrosis reaches the bone's surface, where the two coincide: it wins.
    material.polygonOffset = true;
    material.polygonOffsetFactor = -1;
    // Steps of the depth buffer, 2,000 mm in 2^24: about 0.8 mm.
    material.polygonOffsetUnits = -7000;
  } else if (paint.part === "bone") {
    // First the depth alone, so that one looks through one wall of bone and not through four.
    addPass(ORDER.boneDepth).colorWrite = false;
    addPass(ORDER.bone).depthWrite = false;
  } else {
    // Once for where it lies behind the necrosis, once for where it lies before: a cavity may hold it all.
    addPass(ORDER.tunnelBehind).depthWrite = false;
    addPass(ORDER.tunnelBefore);
  }
  return group;
}
