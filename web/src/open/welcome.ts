// Where a case begins: files that are sent, a folder read in place, the sample, or a case of before.
import type { Endpoints } from "../api";
import type { Client } from "../page/client";
import { button, buttonById, byId, element, inputById, messageOf } from "../page/dom";
import { say } from "../language";
import { droppedFiles, type NamedFile } from "./dropped";
import { complain, showProblem } from "./page";

type Folder = Endpoints["/api/welcome"]["answer"]["roots"][number];
type Begin = Endpoints["/api/begin"]["body"];

export class Welcome {
  private folder: Folder | null = null;
  private roots: Folder[] = [];

  constructor(
    private readonly client: Client,
    private readonly open: (name: string) => void,
  ) {
    const drop = byId("drop");
    drop.ondragover = (event) => {
      event.preventDefault();
      drop.classList.add("over");
    };
    drop.ondragleave = () => drop.classList.remove("over");
    drop.ondrop = (event) => {
      event.preventDefault();
      drop.classList.remove("over");
      if (event.dataTransfer) void droppedFiles(event.dataTransfer).then((files) => this.send(files), complain);
    };
    // A drop beside the field would leave the page for the file.
    for (const kind of ["dragover", "drop"]) addEventListener(kind, (event) => event.preventDefault());
    for (const id of ["files", "folder"]) {
      buttonById(`pick-${id}`).onclick = () => inputById(id).click();
      inputById(id).onchange = () => {
        const chosen = [...(inputById(id).files ?? [])];
        inputById(id).value = "";
        void this.send(chosen.map((file) => ({ file, name: file.webkitRelativePath || file.name })));
      };
    }
    buttonById("sample").onclick = () => void this.begin({ source: "sample" });
    buttonById("use-folder").onclick = () => {
      if (this.folder) void this.begin({ source: "folder", root: this.folder.root, path: this.folder.path });
    };
  }

  async show(): Promise<void> {
    const { cases, home, roots, sample } = await this.client.request("/api/welcome", {});
    buttonById("sample").hidden = !sample;
    byId("home").textContent = say("Cases are kept in {place}.", { place: home });
    byId("cases").replaceChildren(
      ...cases.map((one) => {
        const row = element("li");
        const title = [one.label || one.case, one.when, one.words].join(" · ");
        row.append(button(title, () => this.open(one.case)));
        return row;
      }),
    );
    if (cases.length === 0) byId("cases").append(element("li", say("none yet")));
    this.roots = roots;
    this.listRoots();
  }

  private listRoots(): void {
    this.folder = null;
    byId("way").replaceChildren();
    buttonById("use-folder").disabled = true;
    byId("folder-files").textContent = "";
    this.listFolders(this.roots);
    if (this.roots.length === 1 && this.roots[0]) void this.enter(this.roots[0]);
  }

  private listFolders(folders: Folder[]): void {
    byId("folders").replaceChildren(
      ...folders.map((one) => {
        const row = element("li");
        row.append(button(`📁 ${one.name}`, () => void this.enter(one)));
        return row;
      }),
    );
  }

  private async enter({ root, path }: Folder): Promise<void> {
    try {
      const { here, way, folders, files } = await this.client.request("/api/browse", { root, path });
      this.folder = here;
      byId("way").replaceChildren(
        ...(this.roots.length > 1 ? [button(say("all folders"), () => this.listRoots())] : []),
        ...way.map((one) => button(one.name, () => void this.enter(one))),
        element("b", here.name),
      );
      this.listFolders(folders);
      byId("folder-files").textContent = say("files here: {count}", { count: files });
      buttonById("use-folder").disabled = false;
      byId("way").querySelector("button")?.focus();
    } catch (error) {
      complain(error);
    }
  }

  private async begin(asked: Begin): Promise<void> {
    try {
      this.open((await this.client.request("/api/begin", { ...asked, label: inputById("label").value })).case);
    } catch (error) {
      complain(error);
    }
  }

  /** One file after the other; what is refused is told, and the others go on. */
  private async send(files: NamedFile[]): Promise<void> {
    if (files.length === 0) return;
    const refused: string[] = [];
    try {
      const begun = await this.client.request("/api/begin", { source: "files", label: inputById("label").value });
      for (const [number, { file, name }] of files.entries()) {
        byId("sending").textContent = say("sending {number} of {count} …", {
          number: number + 1,
          count: files.length,
        });
        try {
          await this.client.send(file, name, begun.case);
        } catch (error) {
          refused.push(messageOf(error));
        }
      }
      byId("sending").textContent = "";
      if (refused.length < files.length) this.open(begun.case);
    } catch (error) {
      refused.push(messageOf(error));
    }
    byId("sending").textContent = "";
    if (refused.length > 0) {
      showProblem(say("not taken: {count}. {first}", { count: refused.length, first: refused[0] ?? "" }));
    }
  }
}
