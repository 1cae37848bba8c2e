// Writes the types of plan.json and measures.json from their JSON Schemas.
//
//   node types.mjs            writes src/generated/
//   node types.mjs --check    writes nothing; exits 1 where what is there differs
import { readFile } from "node:fs/promises";
import { compile } from "json-schema-to-typescript";
import { settle } from "./shipped.mjs";

/** Where the schemas lie, from this folder. */
const SCHEMAS = "../corecore/document/schemas";
const TYPES = [
  { schema: "plan.schema.json", name: "Plan", output: "src/generated/plan.ts" },
  { schema: "measures.schema.json", name: "Measures", output: "src/generated/measures.ts" },
];

const files = [];
for (const { schema, name, output } of TYPES) {
  const content = JSON.parse(await readFile(new URL(`${SCHEMAS}/${schema}`, import.meta.url), "utf-8"));
  const code = await compile({ ...content, title: name }, name, {
    bannerComment: `// Generated from ${schema} by web/types.mjs (npm run types): change the schema, not this file.`,
    // A point is a triple; longer arrays are not spelled out as so many tuples.
    maxItems: 3,
    style: { printWidth: 120 },
  });
  files.push({ path: output, content: code });
}
await settle(files, { command: "npm run types" });
