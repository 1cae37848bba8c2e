// Generated from protocol.schema.json by web/types.mjs (npm run types): change the schema, not this file.

export interface Endpoints {
  "/api/look": {
    body: Look;
    answer: ReviewState;
  };
  "/api/do": {
    body:
      | MoveStep
      | NudgeStep
      | AddStep
      | ResizeStep
      | RemoveStep
      | SelectStep
      | SnapStep
      | TakeStep
      | UndoStep
      | RedoStep
      | AcceptStep
      | NoteStep
      | SignStep;
    answer: Figures;
  };
  "/api/preview": {
    body: Preview;
    answer: Figures;
  };
  "/api/slices": {
    body: Cuts;
    answer: Slices;
  };
  "/api/films": {
    body: Nothing;
    answer: Films;
  };
  "/api/ranked": {
    body: Nothing;
    answer: Ranked;
  };
  "/api/scene": {
    body: Nothing;
    answer: Space;
  };
  "/api/write": {
    body: Save;
    answer: Written;
  };
  "/api/watch": {
    body: Watch;
    answer: Watched;
  };
  "/api/hand-over": {
    body: HandOver;
    answer: HandedOver;
  };
  "/api/welcome": {
    body: Nothing;
    answer: Welcome;
  };
  "/api/browse": {
    body: Browse;
    answer: Browsed;
  };
  "/api/begin": {
    body: Begin;
    answer: Begun;
  };
  "/api/rename": {
    body: Rename;
    answer: Begun;
  };
  "/api/contents": {
    body: CaseAsked;
    answer: CaseContents;
  };
  "/api/picture": {
    body: Picture;
    answer: Thumbnail;
  };
  "/api/check": {
    body: Check;
    answer: Checked;
  };
  "/api/settings": {
    body: CaseAsked;
    answer: Settings;
  };
  "/api/plan": {
    body: MakePlan;
    answer: JobState;
  };
  "/api/job": {
    body: CaseAsked;
    answer: JobState;
  };
  "/api/cancel": {
    body: JobAsked;
    answer: JobState;
  };
  "/api/keep": {
    body: JobAsked;
    answer: Opened;
  };
  "/api/open-plan": {
    body: OpenPlan;
    answer: Opened;
  };
  "/api/end": {
    body: Nothing;
    answer: Ended;
  };
  "/api/volume": {
    body: CaseAsked;
    answer: VolumeHeader;
  };
}
/**
 * What stands. ``take``: to write here from now on, in place of another page.
 */
export interface Look {
  seq?: number | null;
  against?: number | null;
  page?: string;
  rev?: number | null;
  take?: boolean;
}
/**
 * All of it.
 */
export interface ReviewState {
  status: Status;
  limits: JudgedLimit[];
  violations: string[];
  transcription: Transcription;
  weighed: Weighed[];
  rev: number;
  seq: number | null;
  selected: number | null;
  lines: StandingLine[];
  tunnels: Tunnel[];
  undo: boolean;
  redo: boolean;
  accepted: string | null;
  signed: Signed | null;
  notes: string;
  colors: TunnelColors[];
  against: Beside | null;
  preview: boolean;
  case: CaseDetails;
  permission: Permission;
}
/**
 * What a plan is in a word, how it weighs in a colour and a sentence, and the sentences under it.
 *
 * ``tone``: whether limits are kept. ``color`` is the headline's (``docs/headline.md``).
 */
export interface Status {
  word: string;
  tone: "breaks" | "keeps";
  lines: string[];
  color: "amber" | "green" | "red";
  mark: string;
  sentence: string;
}
/**
 * A figure against its limit, as it is printed.
 */
export interface JudgedLimit {
  what: string;
  value: string;
  limit: string;
  verdict: string;
  mark: string;
  tone: "breaks" | "just" | "keeps" | "untold" | "warned";
}
/**
 * Numbers to carry to the theatre, a row a tunnel.
 */
export interface Transcription {
  columns: string[];
  rows: string[][];
  level_assumed: boolean;
}
/**
 * Rows of the headline of one group.
 */
export interface Weighed {
  title: string;
  rows: JudgedLimit[];
}
/**
 * A tunnel as it is moved about: its entry need not lie on the bone.
 */
export interface StandingLine {
  /**
   * @minItems 3
   * @maxItems 3
   */
  entry: [number, number, number];
  /**
   * @minItems 3
   * @maxItems 3
   */
  tip: [number, number, number];
  diameter_mm: number;
}
/**
 * A tunnel as it lies in the bone; without a cavity both of its sizes are 0.
 */
export interface Tunnel {
  /**
   * @minItems 3
   * @maxItems 3
   */
  entry: [number, number, number];
  /**
   * @minItems 3
   * @maxItems 3
   */
  tip: [number, number, number];
  diameter_mm: number;
  cavity_diameter_mm: number;
  cavity_length_mm: number;
}
/**
 * Who signed, and when.
 */
export interface Signed {
  name: string;
  day: string;
}
/**
 * A tunnel's face and its edge in space.
 */
export interface TunnelColors {
  face: string;
  edge: string;
}
/**
 * Another set beside what stands; rows: name, here, there, difference.
 */
export interface Beside {
  which: number;
  name: string;
  tunnels: Tunnel[];
  rows: string[][];
}
/**
 * What no step changes; ``plan``: its hash, ``sets``: names in the order that ``take`` and ``against`` count.
 *
 * ``hip``: the side in the page's language.
 */
export interface CaseDetails {
  side: string;
  hip: string;
  id: string;
  imaged: string;
  warnings: Warnings;
  notice: string;
  plan: string;
  sets: string[];
}
/**
 * All of them, the gravest first.
 */
export interface Warnings {
  lines: string[];
}
/**
 * Whether a page may write, and why not; ``may_take``: it can be made the one that does.
 */
export interface Permission {
  state: "ended" | "other_page" | "other_server" | "replaced" | "writes";
  words: string;
  may_take: boolean;
}
/**
 * Put a tunnel somewhere.
 */
export interface MoveStep {
  do: "move";
  seq?: number | null;
  against?: number | null;
  page?: string;
  rev: number;
  tunnel: number;
  /**
   * @minItems 3
   * @maxItems 3
   */
  entry: [number, number, number];
  /**
   * @minItems 3
   * @maxItems 3
   */
  tip: [number, number, number];
}
/**
 * Move an end, or both, along the tunnel's own axes, mm.
 */
export interface NudgeStep {
  do: "nudge";
  seq?: number | null;
  against?: number | null;
  page?: string;
  rev: number;
  tunnel: number;
  end: "both" | "entry" | "tip";
  inward?: number;
  up?: number;
  front?: number;
}
/**
 * One more tunnel.
 */
export interface AddStep {
  do: "add";
  seq?: number | null;
  against?: number | null;
  page?: string;
  rev: number;
  /**
   * @minItems 3
   * @maxItems 3
   */
  entry: [number, number, number];
  /**
   * @minItems 3
   * @maxItems 3
   */
  tip: [number, number, number];
  diameter: number;
}
/**
 * Another drill.
 */
export interface ResizeStep {
  do: "resize";
  seq?: number | null;
  against?: number | null;
  page?: string;
  rev: number;
  tunnel: number;
  diameter: number;
}
/**
 * One tunnel less.
 */
export interface RemoveStep {
  do: "remove";
  seq?: number | null;
  against?: number | null;
  page?: string;
  rev: number;
  tunnel: number;
}
/**
 * Look at a tunnel.
 */
export interface SelectStep {
  do: "select";
  seq?: number | null;
  against?: number | null;
  page?: string;
  rev: number;
  tunnel: number;
}
/**
 * To the best tunnel nearby.
 */
export interface SnapStep {
  do: "snap";
  seq?: number | null;
  against?: number | null;
  page?: string;
  rev: number;
  tunnel: number;
}
/**
 * The plan's tunnels, or an alternative's.
 */
export interface TakeStep {
  do: "take";
  seq?: number | null;
  against?: number | null;
  page?: string;
  rev: number;
  which: number;
}
/**
 * One step back.
 */
export interface UndoStep {
  do: "undo";
  seq?: number | null;
  against?: number | null;
  page?: string;
  rev: number;
}
/**
 * One step forward again.
 */
export interface RedoStep {
  do: "redo";
  seq?: number | null;
  against?: number | null;
  page?: string;
  rev: number;
}
/**
 * Accept broken limits, with a reason.
 */
export interface AcceptStep {
  do: "accept";
  seq?: number | null;
  against?: number | null;
  page?: string;
  rev: number;
  reason: string;
}
/**
 * Other notes.
 */
export interface NoteStep {
  do: "note";
  seq?: number | null;
  against?: number | null;
  page?: string;
  rev: number;
  text: string;
}
/**
 * Sign for what stands; the side is typed.
 */
export interface SignStep {
  do: "sign";
  seq?: number | null;
  against?: number | null;
  page?: string;
  rev: number;
  name: string;
  side: string;
  shown: Shown;
}
/**
 * The steps that figures and pictures on the page are of.
 *
 * ``None``: of none, or of a tunnel where a hand held it; of ``space``, that the page has no scene.
 */
export interface Shown {
  figures: number | null;
  slices: number | null;
  films: number | null;
  space: number | null;
}
/**
 * Where the session stands, and every figure of its tunnels.
 *
 * ``preview``: of a tunnel that is being dragged, the session stays as it was.
 */
export interface Figures {
  status: Status;
  limits: JudgedLimit[];
  violations: string[];
  transcription: Transcription;
  weighed: Weighed[];
  rev: number;
  seq: number | null;
  selected: number | null;
  lines: StandingLine[];
  tunnels: Tunnel[];
  undo: boolean;
  redo: boolean;
  accepted: string | null;
  signed: Signed | null;
  notes: string;
  colors: TunnelColors[];
  against: Beside | null;
  preview: boolean;
}
/**
 * A tunnel where a hand holds it, world RAS mm; ``rev``: the step that it was dragged from.
 */
export interface Preview {
  seq?: number | null;
  against?: number | null;
  page?: string;
  rev: number;
  tunnel: number;
  /**
   * @minItems 3
   * @maxItems 3
   */
  entry: [number, number, number];
  /**
   * @minItems 3
   * @maxItems 3
   */
  tip: [number, number, number];
}
/**
 * The slices: of what stands, or of a tunnel where a hand holds it (all four of the last).
 */
export interface Cuts {
  draft?: boolean;
  seq?: number | null;
  rev?: number | null;
  tunnel?: number | null;
  entry?: [number, number, number] | null;
  tip?: [number, number, number] | null;
}
/**
 * The slices of a step; ``rev`` is ``None`` for a tunnel where a hand holds it.
 */
export interface Slices {
  rev: number | null;
  seq: number | null;
  slices: Slice[];
}
/**
 * One of the three slices along a tunnel; the one across it has no place.
 */
export interface Slice {
  svg: string;
  caption: string;
  place: SlicePlace | null;
  tunnel: number;
}
/**
 * How a slice's plane lies in the patient; ends in units of the drawing.
 */
export interface SlicePlace {
  /**
   * @minItems 2
   * @maxItems 2
   */
  entry: [number, number];
  /**
   * @minItems 2
   * @maxItems 2
   */
  tip: [number, number];
  /**
   * @minItems 3
   * @maxItems 3
   */
  right: [number, number, number];
  /**
   * @minItems 3
   * @maxItems 3
   */
  up: [number, number, number];
  units_per_mm: number;
}
/**
 * A question without words.
 */
export interface Nothing {}
/**
 * The films of a step, and what stands as a line of the ranked table; ``None`` without a tunnel.
 */
export interface Films {
  rev: number;
  films: Film[];
  now: SetSummary | null;
}
/**
 * A simulated fluoroscopic view.
 */
export interface Film {
  title: string;
  words: string;
  svg: string;
}
/**
 * What a set of tunnels does, as it is printed; ``share``: of the lesion, to rank by.
 */
export interface SetSummary {
  name: string;
  share: number;
  removes: string;
  room: string;
  held: string;
  risk: string;
  keeps: boolean;
}
/**
 * What may be taken instead, best first.
 */
export interface Ranked {
  rows: RankedSet[];
}
/**
 * A set that may be taken.
 */
export interface RankedSet {
  name: string;
  share: number;
  removes: string;
  room: string;
  held: string;
  risk: string;
  keeps: boolean;
  which: number;
}
/**
 * What the tunnels lie in, mm about ``origin``, the head's centre in world RAS mm.
 */
export interface Space {
  /**
   * @minItems 3
   * @maxItems 3
   */
  origin: [number, number, number];
  axes: BodyAxes;
  bodies: Body[];
  lines: Polyline[];
  markers: Marker[];
  labels: Label[];
  views: View[];
}
/**
 * The patient's own right, front and up.
 */
export interface BodyAxes {
  /**
   * @minItems 3
   * @maxItems 3
   */
  right: [number, number, number];
  /**
   * @minItems 3
   * @maxItems 3
   */
  anterior: [number, number, number];
  /**
   * @minItems 3
   * @maxItems 3
   */
  superior: [number, number, number];
}
/**
 * Triangles of one body, painted from ``face`` where seen square on to ``edge`` at its rim.
 *
 * Points are little-endian float32, corners little-endian uint32, counter-clockwise from outside; both in base64.
 */
export interface Body {
  part: string;
  face: string;
  edge: string;
  /**
   * @minItems 2
   * @maxItems 2
   */
  opacity: [number, number];
  points: string;
  triangles: string;
}
/**
 * A line; ``dash``: lengths in mm drawn and left out.
 */
export interface Polyline {
  part: string;
  color: string;
  /**
   * @minItems 2
   * @maxItems 2
   */
  dash: [number, number];
  points: [number, number, number][];
}
/**
 * A ball.
 */
export interface Marker {
  part: string;
  radius: number;
  /**
   * @minItems 3
   * @maxItems 3
   */
  at: [number, number, number];
}
/**
 * Words at a point.
 */
export interface Label {
  part: string;
  /**
   * @minItems 3
   * @maxItems 3
   */
  at: [number, number, number];
  text: string;
}
/**
 * A parallel camera looking along ``into``; ``width`` x ``height`` mm is in view.
 */
export interface View {
  key: string;
  /**
   * @minItems 3
   * @maxItems 3
   */
  center: [number, number, number];
  /**
   * @minItems 3
   * @maxItems 3
   */
  into: [number, number, number];
  width: number;
  height: number;
}
/**
 * Save what stands at a step; ``broken``: also where it breaks limits, having been asked.
 */
export interface Save {
  rev: number;
  page?: string;
  broken?: boolean;
}
/**
 * Where the reviewed plan is; or the limits that it breaks, which are to be confirmed first.
 */
export interface Written {
  rev: number;
  written: string | null;
  breaks: string[];
}
/**
 * Whether anything has changed; ``leave``: the page is closed.
 */
export interface Watch {
  page: string;
  leave?: boolean;
}
/**
 * Where the session stands.
 */
export interface Watched {
  rev: number;
  permission: Permission;
}
/**
 * A plan that the review saved, in a format.
 */
export interface HandOver {
  written: string;
  to: string;
}
/**
 * Where the files are; of one file for the browser also its content.
 */
export interface HandedOver {
  name: string;
  words: string;
  content: string | null;
}
/**
 * Where a case may begin. ``home``: where cases are kept; ``send_mb``: most that can be sent to one.
 */
export interface Welcome {
  home: string;
  roots: Folder[];
  cases: CaseRow[];
  sample: boolean;
  notice: string;
  send_mb: number;
}
/**
 * A folder that may be read.
 */
export interface Folder {
  root: number;
  path: string;
  name: string;
}
/**
 * A case that was begun before.
 */
export interface CaseRow {
  case: string;
  label: string;
  when: string;
  words: string;
}
/**
 * The folders in one that may be read: its root by number, and the path from there.
 */
export interface Browse {
  root: number;
  path?: string;
}
/**
 * A folder, the way to it, and the folders in it; ``files`` counts what could be an input.
 */
export interface Browsed {
  here: Folder;
  way: Folder[];
  folders: Folder[];
  files: number;
}
/**
 * A case anew: of a folder, which is read where it lies; of the sample; or of files that will be sent.
 */
export interface Begin {
  source: "files" | "folder" | "sample";
  root?: number;
  path?: string;
  label?: string;
}
/**
 * The case.
 */
export interface Begun {
  case: string;
}
/**
 * What a case is to be called.
 */
export interface Rename {
  case: string;
  label: string;
}
/**
 * A case.
 */
export interface CaseAsked {
  case: string;
}
/**
 * What a case has to choose from, and what was chosen.
 *
 * ``remarks``: what a person must decide; ``checked``: whether the hip is held ready.
 */
export interface CaseContents {
  case: string;
  label: string;
  folder: string;
  items: ItemRow[];
  roles: {
    [k: string]: number;
  };
  side: "auto" | "left" | "right";
  others: number;
  remarks: string[];
  plans: PlanRow[];
  checked: boolean;
}
/**
 * One thing of the case's folder; ``words``: its size and what else may be told.
 */
export interface ItemRow {
  kind: "image" | "mask" | "plan";
  name: string;
  words: string;
  problem: string;
  role: ("femur" | "image" | "lesion" | "lesion_image" | "pelvis") | null;
  side: string | null;
}
/**
 * A plan of a case: the path of its folder, and what it is in a line.
 */
export interface PlanRow {
  plan: string;
  words: string;
}
/**
 * The middle slice of an item.
 */
export interface Picture {
  case: string;
  item: number;
}
/**
 * A slice as PNG; none where it cannot be read, for the reason in words.
 */
export interface Thumbnail {
  png: string | null;
  words: string;
}
/**
 * Whether inputs belong together: items by role, and the side.
 */
export interface Check {
  case: string;
  roles: {
    [k: string]: number;
  };
  side?: "auto" | "left" | "right";
}
/**
 * Whether the inputs belong together; if not, why. ``rows``: name and figure, as they are printed.
 */
export interface Checked {
  problem: string | null;
  hip: string;
  rows: string[][];
  warnings: string[];
  pictures: CheckPicture[];
}
/**
 * One plane through the lesion, with the outlines of the masks.
 */
export interface CheckPicture {
  title: string;
  png: string;
}
/**
 * What may be asked of a plan, with what holds where nothing is.
 */
export interface Settings {
  choices: Choice[];
  numbers: Number[];
}
/**
 * A setting of several values.
 */
export interface Choice {
  key: string;
  label: string;
  group: "main" | "surgeon";
  value: string;
  default: string;
  options: Option[];
}
/**
 * One of several values.
 */
export interface Option {
  value: string;
  label: string;
}
/**
 * A setting that is a number; the range is what the planner accepts.
 */
export interface Number {
  key: string;
  label: string;
  unit: string;
  group: "main" | "margin" | "more";
  low: number;
  high: number;
  step: number;
  value: number;
  default: number;
}
/**
 * A plan of the inputs that were checked, with these settings by their keys.
 */
export interface MakePlan {
  case: string;
  values: {
    [k: string]: number | string;
  };
}
/**
 * The work of a case: how far it is, and what it came to. ``words``: the step, or why there is no result.
 */
export interface JobState {
  number: number;
  state: "cancelled" | "done" | "failed" | "none" | "running";
  words: string;
  share: number | null;
  result: Result | null;
}
/**
 * What the planner found; ``why`` and ``ways`` where there is no tunnel.
 */
export interface Result {
  judged: Judged;
  tunnels: string[][];
  columns: string[];
  why: string;
  ways: WayRow[];
  curve: CurvePoint[];
  warnings: string[];
}
/**
 * The part of the report that changes with the tunnels.
 */
export interface Judged {
  status: Status;
  limits: JudgedLimit[];
  violations: string[];
  transcription: Transcription;
  weighed: Weighed[];
}
/**
 * A limit that would have to be relaxed; ``key`` and ``value``: the setting that does it, where there is one.
 */
export interface WayRow {
  words: string;
  key: string | null;
  value: number | null;
}
/**
 * A point of the trade-off curve, shares 0 to 1, and the same as it is printed.
 */
export interface CurvePoint {
  removed: number;
  perforation: number;
  chosen: boolean;
  words: string;
}
/**
 * The job of a case by its number.
 */
export interface JobAsked {
  case: string;
  number: number;
}
/**
 * A plan that is open for review, by the key that its page asks with.
 */
export interface Opened {
  key: string;
}
/**
 * A plan of a case, to be reviewed: by the path of its folder, or the item of what lies in the case's folder.
 */
export interface OpenPlan {
  case: string;
  plan?: string;
  item?: number | null;
}
/**
 * The server ends.
 */
export interface Ended {
  ended: boolean;
}
/**
 * What stands before the voxels of a volume, RAS mm.
 *
 * ``index_from_world`` by rows; ``start``: where to look first; ``low`` and ``high``: the box of its voxels.
 */
export interface VolumeHeader {
  shape: number[];
  index_from_world: number[];
  /**
   * @minItems 3
   * @maxItems 3
   */
  start: [number, number, number];
  /**
   * @minItems 3
   * @maxItems 3
   */
  low: [number, number, number];
  /**
   * @minItems 3
   * @maxItems 3
   */
  high: [number, number, number];
  step_mm: number;
  presets: WindowPreset[];
  masks: VolumeMask[];
}
/**
 * Values of an image that are black and white.
 */
export interface WindowPreset {
  name: string;
  low: number;
  high: number;
}
/**
 * A mask of the volume: its bit, and the colour of its outline, red green blue.
 */
export interface VolumeMask {
  bit: number;
  name: string;
  color: number[];
}
