// preview.html: the scene beside the figures, with buttons for views and boxes for parts.
import { Vector3 } from "three";
import { parseScene } from "./scene/data";
import { SEE_THROUGH, Viewer } from "./scene/viewer";

function start(stage: HTMLElement): void {
  const data = parseScene(document.getElementById("scene-data")?.textContent);
  const buttons = [...document.querySelectorAll<HTMLButtonElement>("button[data-view]")];
  const press = (key: string): void => {
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.view === key));
    stage.dataset.view = key;
  };
  const viewer = new Viewer(stage, data, () => press(""));
  const showView = (key: string): void => {
    const view = data.views.find((v) => v.key === key);
    if (!view) return;
    viewer.showView(view);
    // Along a tunnel one looks through it at what it removes.
    viewer.setOpacity("tunnels", key === "along" ? SEE_THROUGH : undefined);
    press(key);
    // Where the head's centre is drawn: read by the tests, which look for the necrosis beside it.
    stage.dataset.head = viewer
      .project(new Vector3())
      .map((v) => v.toFixed(1))
      .join(" ");
  };
  for (const button of buttons) button.addEventListener("click", () => showView(button.dataset.view ?? ""));
  for (const box of document.querySelectorAll<HTMLInputElement>("input[data-part]")) {
    const apply = (): void => viewer.setVisible(box.dataset.part ?? "", box.checked);
    box.addEventListener("change", apply);
    apply();
  }
  showView("front");
  stage.dataset.ready = "yes";
}

const stage = document.getElementById("stage");
if (stage) {
  try {
    start(stage);
  } catch (error) {
    // Without WebGL the figures beside the scene still stand.
    const note = document.getElementById("no-scene");
    if (note) note.hidden = false;
    console.warn("no 3-D scene:", error);
  }
}
