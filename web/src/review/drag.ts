// Dragging an end of a tunnel, in a slice or in space.
import type { Ends } from "../api";

/** What the page does about it; ends in world RAS mm. */
export interface DragEvents {
  drag(tunnel: number, ends: Ends): void;
  drop(tunnel: number, ends: Ends): void;
  cancel(): void;
}
