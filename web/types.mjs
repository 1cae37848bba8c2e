// Writes the types of plan.json, of measures.json and of what page and planner say to each other from their JSON Schemas.
//
//   node types.mjs            writes src/generated/
//   node types.mjs --check    writes nothing; exits 1 where what is there differs
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { compile } from "json-schema-to-typescript";
import { settle } from "./shipped.mjs";

/** The schemas, from this folder. */
const TYPES = [
  { schema: "../corecore/document/schemas/plan.schema.json", name: "Plan", output: "src/generated/plan.ts" },
  {
    schema: "../corecore/document/schemas/measures.schema.json",
    name: "Measures",
    output: "src/generated/measures.ts",
  },
  { schema: "../corecore/review/protocol.schema.json", name: "Endpoints", output: "src/generated/review.ts" },
];

const files = [];
for (const { schema, name, output } of TYPES) {
  const content = JSON.parse(await readFile(new URL(schema, import.meta.url), "utf-8"));
  const code = await compile({ ...content, title: name }, name, {
    bannerComment: `// Generated from ${basename(schema)} by web/types.mjs (npm run types): change the schema, not this file.`,
    // A point is a triple; longer arrays are not spelled out as so many tuples.
    maxItems: 3,
    style: { printWidth: 120 },
  });
  files.push({ path: output, content: code });
}
await settle(files, { command: "npm run types" });
