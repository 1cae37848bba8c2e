// Files that are made here and committed: written, or with --check compared with what is there.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, relative } from "node:path";
import { fileURLToPath } from "node:url";

/** A path from this folder as one of the file system. */
const located = (path) => fileURLToPath(new URL(path, import.meta.url));
/** The same as one reads it from the repository's root. */
const named = (path) => relative(located(".."), located(path));

const differs = async (path, content) => {
  try {
    return Buffer.compare(await readFile(located(path)), Buffer.from(content)) !== 0;
  } catch (error) {
    if (error.code === "ENOENT") return true;
    throw error;
  }
};

/**
 * Writes `files`; called with --check, compares them byte for byte and ends the process with 1 where one differs.
 *
 * @param {{ path: string, content: string | Uint8Array }[]} files paths from this folder
 * @param {{ command: string }} options the command that mends a difference
 */
export async function settle(files, { command }) {
  if (!process.argv.includes("--check")) {
    for (const { path, content } of files) {
      await mkdir(dirname(located(path)), { recursive: true });
      await writeFile(located(path), content);
    }
    return;
  }
  const stale = [];
  for (const { path, content } of files) if (await differs(path, content)) stale.push(path);
  for (const path of stale) {
    console.error(`error: ${named(path)} is not what the sources give; in web/ run: ${command}`);
  }
  if (stale.length > 0) process.exitCode = 1;
  else console.log(`${files.map(({ path }) => named(path)).join(", ")}: as the sources give them`);
}
