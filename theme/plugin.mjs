// What the book adds to mystmd: the roles that name an API entry, and the outputs of code cells.
// It is JavaScript since mystmd then runs it by itself: a program in another language would be
// started for each of the hundred roles, and for pages without a cell.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const ROLES = ["func", "mod", "class", "meth", "attr", "data", "obj"];
const NAMES = "_build/api/names.json"; // mystmd runs us in the project's folder
const EXECUTE = fileURLToPath(new URL("execute.py", import.meta.url));
let names = null;

// The link of a role such as {func}`olympus.grad` or {func}`the gradient <olympus.grad>`. An
// unknown name keeps its own address, which mystmd then reports as having no target.
function link(text) {
  names ??= JSON.parse(readFileSync(NAMES, "utf-8"));
  const inner = text.trim().replace(/>$/, "");
  const cut = inner.lastIndexOf("<") + 1;
  const shown = inner.slice(0, cut).replace(/\s*<$/, "");
  const written = inner.slice(cut).trim().replace(/\(\)$/, "");
  const target = written.replace(/^~/, "");
  const label = written === target ? target : target.slice(target.lastIndexOf(".") + 1);
  const child = shown ? { type: "text", value: shown } : { type: "inlineCode", value: label };
  return { type: "link", url: `#${names[target] ?? target}`, children: [child] };
}

const role = (name) => ({
  name,
  doc: `Link to a Python ${name}`,
  body: { type: String, required: true },
  run: ({ body }) => [link(body)],
});

// The page's tree with the outputs of its cells, which execute.py runs or has kept.
function executed(tree) {
  return new Promise((done, failed) => {
    const python = spawn("python3", [EXECUTE], { stdio: ["pipe", "pipe", "inherit"] });
    const written = [];
    python.stdout.on("data", (part) => written.push(part));
    python.on("error", failed);
    python.on("close", (status) => {
      if (status) failed(new Error(`execute.py ended with status ${status}; see above.`));
      else done(JSON.parse(Buffer.concat(written).toString()));
    });
    python.stdin.end(JSON.stringify(tree));
  });
}

const execution = {
  name: "execute",
  doc: "Run the code cells",
  stage: "document",
  plugin: (_, { select }) => async (tree) => {
    if (select("block[kind=notebook-code]", tree)) Object.assign(tree, await executed(tree));
  },
};

export default { name: "OLYMPUS", roles: ROLES.map(role), transforms: [execution] };
