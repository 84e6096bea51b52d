import assert from "node:assert/strict";
import { getPriority } from "node:os";
import { giveWay } from "../../../src/snapshot/format/give_way.ts";

const FILE = new URL(
  "../../../src/snapshot/format/give_way.ts",
  import.meta.url,
);

const WORKER = `
import { getPriority } from "node:os";
import { giveWay } from "${FILE}";
giveWay();
self.postMessage(getPriority(0));
`;

Deno.test("giveWay() lowers the priority of its own thread alone", async () => {
  const before = getPriority(0);
  const worker = new Worker(
    URL.createObjectURL(new Blob([WORKER], { type: "text/javascript" })),
    { type: "module" },
  );
  const lowered = await new Promise<number>((resolve) => {
    worker.onmessage = ({ data }) => resolve(data);
  });
  worker.terminate();
  if (Deno.build.os === "linux") assert.ok(lowered > before, `${lowered}`);
  else assert.equal(lowered, before);
  assert.equal(getPriority(0), before);
});

Deno.test(
  "giveWay() leaves it as it is without the permission",
  { permissions: "none" },
  () => giveWay(),
);
