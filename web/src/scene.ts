// One script for both pages: preview.html carries its data, the review page hands them over and moves the tunnels.
import { Bench } from "./bench";
import { preview } from "./preview";

declare global {
  interface Window {
    corecoreBench: typeof Bench;
  }
}

window.corecoreBench = Bench;
preview();
