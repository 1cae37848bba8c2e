// What is made of a plan that was saved: its report in the browser, other formats beside it on disk.
import type { Client } from "../page/client";
import { button, byId, element } from "../page/dom";
import { say } from "../language";

const FORMATS: readonly [string, string][] = [
  ["slicer", "3D Slicer"],
  ["stl", "STL"],
  ["3mf", "3MF"],
  ["nifti", "NIfTI"],
  ["csv", "CSV"],
];

export class HandOver {
  private address = "";

  constructor(
    private readonly client: Client,
    private readonly complain: (error: unknown) => void,
  ) {}

  /** Offers report and formats of the plan at `written`. */
  offer(written: string): void {
    byId("hand-over").hidden = false;
    byId("handed").textContent = "";
    byId("hand-over-buttons").replaceChildren(
      button(say("report (PDF)"), () => void this.make(written, "report")),
      ...FORMATS.map(([to, name]) =>
        button(name, () => void this.make(written, to), { "aria-label": say("export as {name}", { name }) }),
      ),
    );
  }

  private async make(written: string, to: string): Promise<void> {
    byId("handed").textContent = say("writing …");
    try {
      const { name, words, content } = await this.client.request("/api/hand-over", { written, to });
      byId("handed").textContent = words;
      if (content !== null) this.show(name, content);
    } catch (error) {
      byId("handed").textContent = "";
      this.complain(error);
    }
  }

  private show(name: string, base64: string): void {
    const bytes = Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));
    URL.revokeObjectURL(this.address);
    this.address = URL.createObjectURL(new Blob([bytes], { type: "application/pdf" }));
    const link = element("a", say("open {name}", { name }), { href: this.address, target: "_blank", rel: "noopener" });
    byId("handed").replaceChildren(link);
    link.click();
  }
}
