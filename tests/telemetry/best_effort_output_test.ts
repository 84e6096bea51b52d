import assert from "node:assert/strict";
import {
  BestEffortOutput,
  type Output,
} from "../../src/telemetry/best_effort_output.ts";

const permissions = "none";

/** An output that fails while it is told to, and takes a few bytes at a time. */
class FailingOutput implements Output {
  fails = false;
  text = "";

  write(bytes: Uint8Array): Promise<number> {
    if (this.fails) return Promise.reject(new Error("No space left on device"));
    const part = bytes.subarray(0, 3);
    this.text += new TextDecoder().decode(part);
    return Promise.resolve(part.length);
  }
}

Deno.test({
  name: "BestEffortOutput goes on after failures and says once what it lost",
  permissions,
  fn: async () => {
    const output = new FailingOutput();
    const encoder = new TextEncoder();
    const lines = new BestEffortOutput(
      output,
      (lost) => encoder.encode(`${lost} lost\n`),
    );
    const writer = lines.stream.getWriter();
    const write = (text: string) => writer.write(encoder.encode(text));
    await write("first\n");
    output.fails = true;
    await write("second\n");
    await write("third\n");
    lines.noteLost(5);
    output.fails = false;
    await write("fourth\n");
    await write("fifth\n");
    assert.equal(output.text, "first\nfourth\n7 lost\nfifth\n");
    assert.equal(lines.lost, 7);
  },
});
