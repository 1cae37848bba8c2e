// What the review page and the planner say to each other, by the names that the page has for it. The types themselves are
// generated from corecore/review/protocol.py.
import type { Endpoints, Preview, StandingLine } from "./generated/review";

export type {
  Beside,
  Endpoints,
  Figures,
  Film,
  JudgedLimit,
  Permission,
  RankedSet,
  ReviewState,
  SetSummary,
  Shown,
  Slice,
  Tunnel,
  TunnelColors,
  VolumeHeader,
} from "./generated/review";

export type End = "entry" | "tip";
/** Where a tunnel begins and ends, world RAS mm. */
export type Ends = Pick<StandingLine, End>;
/** A tunnel as it is moved about: its entry need not lie on the bone. */
export type Line = StandingLine;

/** What goes with every command, put to it as it is sent. */
type Sent = "rev" | "seq" | "against" | "page" | "shown";
type Bare<Step> = Step extends unknown ? Omit<Step, Sent> : never;
/** What changes the session. */
export type Command = Bare<Endpoints["/api/do"]["body"]>;
/** A tunnel where the page has it while it is dragged, and the step that it was dragged from. */
export type DraggedTunnel = Omit<Preview, "against" | "page">;
