// Bundles src/scene.ts into the one script that both pages use, and writes down its hash.
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const folder = fileURLToPath(new URL(".", import.meta.url));
const result = await build({
  absWorkingDir: folder,
  entryPoints: ["src/scene.ts"],
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  charset: "ascii",
  legalComments: "inline",
  write: false,
});
const code = result.outputFiles[0].contents;
const out = fileURLToPath(new URL("../corecore/report/static/", import.meta.url));
mkdirSync(out, { recursive: true });
writeFileSync(out + "scene.js", code);
writeFileSync(out + "scene.js.sha256", createHash("sha256").update(code).digest("hex") + "  scene.js\n");
