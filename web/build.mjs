// Bundles the pages' scripts, each into one file that is committed with its hash beside it.
//
//   node build.mjs            writes them
//   node build.mjs --check    writes nothing; exits 1 where what is there differs
import { createHash } from "node:crypto";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { settle } from "./shipped.mjs";

/** What is bundled, and where it is shipped, from this folder. */
const BUNDLES = [
  { entry: "src/preview.ts", output: "../corecore/report/static/scene.js" },
  { entry: "src/review/main.ts", output: "../corecore/review/static/review.js" },
  { entry: "src/open/main.ts", output: "../corecore/review/static/open.js" },
];

const files = [];
for (const { entry, output } of BUNDLES) {
  const result = await build({
    absWorkingDir: fileURLToPath(new URL(".", import.meta.url)),
    entryPoints: [entry],
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2022",
    charset: "ascii",
    legalComments: "inline",
    write: false,
  });
  const [{ contents }] = result.outputFiles;
  const hash = createHash("sha256").update(contents).digest("hex");
  files.push(
    { path: output, content: contents },
    { path: `${output}.sha256`, content: `${hash}  ${basename(output)}\n` },
  );
}
await settle(files, { command: "npm run build" });
