import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../support/eventually.ts";
import { ServiceProcess } from "../support/service_process.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

async function output(command: string, ...args: string[]): Promise<string> {
  const { stdout } = await new Deno.Command(command, { args }).output();
  return new TextDecoder().decode(stdout);
}

/** How many TCP ports a process listens on. */
async function listeningPorts(pid: number): Promise<number> {
  const descriptors = await output("ls", "-l", `/proc/${pid}/fd`);
  const table = await output("cat", "/proc/net/tcp");
  const LISTEN = "0A";
  return table.split("\n").slice(1).map((line) => line.trim().split(/\s+/))
    .filter((columns) =>
      columns[3] === LISTEN && descriptors.includes(`socket:[${columns[9]}]`)
    ).length;
}

Deno.test("SIGUSR1 leaves no debugger open, and SIGHUP drains", async () => {
  using folder = new TemporaryFolder();
  await using service = await ServiceProcess.start({ dataDir: folder.path });
  assert.equal(await listeningPorts(service.pid), 2);
  // The runtime listens for SIGUSR1 half a second after the start.
  await sleep(700);
  service.signal("SIGUSR1");
  await service.line(({ message }) => /SIGUSR1 opened/.test(message));
  await eventually(async () => {
    assert.equal(await listeningPorts(service.pid), 2);
  });
  await service.untilReady("set");

  assert.equal((await service.end("SIGHUP")).code, 0);
  const messages = service.lines.map(({ message }) => message);
  assert.ok(messages.some((one) => /State "?draining"?: "?SIGHUP/.test(one)));
  assert.equal(messages.at(-1), "Stopped");
});

Deno.test("`deno task dev` needs no other program than deno, uses DATA_DIR, drains at SIGTERM and ends, its watcher too", async () => {
  using folder = new TemporaryFolder();
  const programs = `${folder.path}/programs`;
  Deno.mkdirSync(programs);
  Deno.symlinkSync(Deno.execPath(), `${programs}/deno`);
  const dataDir = `${folder.path}/my data`;
  await using service = await ServiceProcess.start({
    dataDir,
    wrapper: ["/bin/sh", "-c", 'exec "$1" task dev', "sh"],
    env: { PATH: programs },
  });
  assert.ok(Deno.statSync(`${dataDir}/usergrade.db`).isFile);
  assert.deepEqual(
    service.lines.filter(({ message }) => /command not found/.test(message)),
    [],
  );
  const timer = setTimeout(() => service.signal("SIGKILL"), 10_000);
  const { signal } = await service.end("SIGTERM");
  clearTimeout(timer);
  assert.notEqual(signal, "SIGKILL");
  assert.ok(service.lines.some(({ message }) => message === "Stopped"));
});

Deno.test("a limit on files and sockets is named at the start: too low ends it, low is a warning", async () => {
  using folder = new TemporaryFolder();
  const limited = (descriptors: number) =>
    ServiceProcess.spawn({
      dataDir: folder.path,
      wrapper: ["sh", "-c", `ulimit -n ${descriptors}; exec "$@"`, "sh"],
    });
  await using deaf = limited(32);
  const fatal = await deaf.line(({ level }) => level === "FATAL");
  assert.match(fatal.message, /files and sockets .* needs 128.*ulimit -n/);
  assert.equal((await deaf.status).code, 2);

  await using low = limited(256);
  await low.started();
  const warning = await low.line(({ level }) => level === "WARN");
  assert.match(warning.message, /files and sockets .* should have 512/);
});
