// preview.html: the scene beside the figures, with buttons for views and boxes for parts.
import { Vector3 } from "three";
import { readData } from "./data";
import { Viewer } from "./viewer";

function start(): void {
  const stage = document.getElementById("stage")!;
  const data = readData("scene-data");
  const viewer = new Viewer(stage, data);
  const buttons = [...document.querySelectorAll<HTMLButtonElement>("button[data-view]")];
  const look = (key: string): void => {
    const view = data.views.find((v) => v.key === key);
    if (!view) return;
    viewer.look(view);
    // Along a tunnel one looks through it at what it removes.
    viewer.fade("tunnels", key === "along" ? [0.35, 0.35] : undefined);
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.view === key));
    stage.dataset.view = key;
    // Where the head's centre is drawn: read by the tests, which look for the necrosis beside it.
    stage.dataset.head = viewer.place(new Vector3()).map((v) => v.toFixed(1)).join(" ");
  };
  for (const button of buttons) button.addEventListener("click", () => look(button.dataset.view ?? ""));
  for (const box of document.querySelectorAll<HTMLInputElement>("input[data-part]")) {
    const apply = (): void => viewer.show(box.dataset.part ?? "", box.checked);
    box.addEventListener("change", apply);
    apply();
  }
  look("front");
  stage.dataset.ready = "yes";
}

/** Draws the page's own data block, where there is one. */
export function preview(): void {
  if (!document.getElementById("scene-data")) return;
  try {
    start();
  } catch (error) {
    // Without WebGL the figures beside the scene still stand.
    const note = document.getElementById("no-scene");
    if (note) note.hidden = false;
    console.warn("no 3-D scene:", error);
  }
}
