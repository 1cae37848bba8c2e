// What the review page and the planner say to each other: see corecore/review/protocol.py, controller.py and payload.py.
import type { Plan } from "./generated/plan";
import type { Vector } from "./geometry";
import type { SceneData } from "./scene/data";

type PlannedTunnel = Plan["tunnels"][number];

export type End = "entry" | "tip";
/** Where a tunnel begins and ends, world RAS mm. */
export type Ends = Pick<PlannedTunnel, End>;
/** A tunnel as it is moved about: its entry need not lie on the bone. */
export type Line = Pick<PlannedTunnel, End | "diameter_mm">;
/** A tunnel as it lies in the bone; without a cavity both of its sizes are 0. */
export type Tunnel = Line & Record<"cavity_diameter_mm" | "cavity_length_mm", number>;

/** What no step changes. */
export interface CaseDetails {
  side: Uppercase<Plan["case"]["side"]>;
  id: string;
  imaged: string;
  warnings: { lines: string[]; more: number };
  notice: string;
  /** The plan's hash. */
  plan: string;
  /** Names of the plan's own tunnels and of its alternatives, in the order that `take` and `against` count. */
  sets: string[];
}

export type Tone = "breaks" | "just" | "warned" | "keeps" | "untold";

/** A figure against its limit, as it is printed. */
export interface JudgedLimit {
  what: string;
  value: string;
  limit: string;
  verdict: string;
  mark: string;
  tone: Tone;
}

export interface TunnelColors {
  face: string;
  edge: string;
}

/** Where the session stands, and every figure of its tunnels. */
export interface Figures {
  /** The step of the session; a command made for another one is refused. */
  rev: number;
  /** What the page counted when it asked. */
  seq: number | null;
  selected: number | null;
  lines: Line[];
  tunnels: Tunnel[];
  undo: boolean;
  redo: boolean;
  accepted: string | null;
  signed: { name: string; day: string } | null;
  notes: string;
  status: { word: string; tone: "breaks" | "keeps"; lines: string[] };
  limits: JudgedLimit[];
  violations: string[];
  transcription: { columns: string[]; rows: string[][] };
  color: TunnelColors;
  against: { which: number; name: string; tunnels: Tunnel[]; rows: string[][] } | null;
  /** Of a tunnel that is being dragged: the session stays as it was. */
  preview?: true;
}

export type ReviewState = CaseDetails & Figures;

/** One of the three slices along a tunnel. */
export interface Slice {
  svg: string;
  caption: string;
  tunnel: number;
  /** How its plane lies in the patient; null for the one across the tunnel. Ends in units of the drawing. */
  place: { entry: [number, number]; tip: [number, number]; right: Vector; up: Vector; units_per_mm: number } | null;
}

export interface Film {
  title: string;
  words: string;
  svg: string;
}

/** What a set of tunnels does, as it is printed. */
export interface SetSummary {
  name: string;
  removes: string;
  room: string;
  held: string;
  risk: string;
  keeps: boolean;
}

export type RankedSet = SetSummary & { which: number };

/** What changes the session. */
export type Command =
  | ({ do: "move"; tunnel: number } & Ends)
  | { do: "nudge"; tunnel: number; end: End | "both"; inward?: number; up?: number; front?: number }
  | { do: "resize"; tunnel: number; diameter: number }
  | { do: "remove" | "select" | "snap"; tunnel: number }
  | { do: "take"; which: number }
  | { do: "undo" | "redo" }
  | { do: "accept"; reason: string }
  | { do: "note"; text: string }
  | { do: "sign"; name: string; side: string };

/** A tunnel where the page has it while it is dragged, and the step that it was dragged from. */
export type DraggedTunnel = { tunnel: number; rev: number; seq: number } & Ends;
/** Which set is shown beside what stands. */
type Against = { against: number | null };
type Counted = Against & { rev: number; seq: number };
type Nothing = Record<string, never>;

/** What may be asked, by path. */
export interface Endpoints {
  "/api/look": { body: Partial<Counted>; answer: ReviewState };
  "/api/do": { body: Command & Counted; answer: Figures };
  "/api/preview": { body: DraggedTunnel & Against; answer: Figures };
  "/api/slices": {
    body: { draft: boolean } & Partial<DraggedTunnel>;
    answer: { rev: number; seq: number | null; slices: Slice[] };
  };
  "/api/films": { body: Nothing; answer: { rev: number; films: Film[]; now: SetSummary | null } };
  "/api/ranked": { body: Nothing; answer: { rows: RankedSet[] } };
  /** The scene about `origin`, the head's centre in world RAS mm. */
  "/api/scene": { body: Nothing; answer: SceneData & { origin: Vector } };
  "/api/write": { body: Nothing; answer: { rev: number; written: string } };
}
