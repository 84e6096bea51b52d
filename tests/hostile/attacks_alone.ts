import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../support/eventually.ts";
import { openDescriptors, residentMb } from "../support/process_usage.ts";
import { ServiceProcess } from "../support/service_process.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";
import { Attack } from "./attack.ts";
import { ATTACKS } from "./attacks.ts";
import { normalClients, quantile } from "./normal_clients.ts";

/** How long each attack goes on. */
const ATTACK_MS = 1_200;

/** How long the attackers get for their connections before the others begin. */
const HEAD_START_MS = 700;

/** Of how many requests the waits are told at least. */
const REQUESTS_MIN = 21;

/** What the service may take more than before, whatever is done to it. */
const GROWTH_MAX_MB = 250;

/** What normal clients may have to wait, on a machine that others use too. */
const P99_MAX_MS = 2_000;

/** How many descriptors may stay in use: those of the normal clients. */
const DESCRIPTORS_LEFT_MAX = 20;

Deno.test({
  name: "normal clients get their answers during every attack",
  // What a process has open is read where Linux has it.
  ignore: Deno.build.os !== "linux",
  fn: async (t) => {
    using folder = new TemporaryFolder();
    await using service = await ServiceProcess.start({ dataDir: folder.path });
    const calm = await normalClients(service, 1_000);
    assert.deepEqual(calm.failures, []);
    const before = {
      resident: residentMb(service.pid),
      descriptors: openDescriptors(service.pid),
    };
    for (const name of Object.keys(ATTACKS)) {
      await t.step(name, async () => {
        {
          using _attack = new Attack(name, service);
          await sleep(HEAD_START_MS);
          const waits = await normalClients(service, ATTACK_MS, REQUESTS_MIN);
          const during = openDescriptors(service.pid);
          assert.deepEqual(waits.failures, []);
          assert.ok(waits.times_ms.length >= REQUESTS_MIN);
          assert.ok(
            quantile(waits, 0.99) < P99_MAX_MS,
            `p99 ${quantile(waits, 0.99)} ms`,
          );
          // The attack was there.
          if (name === "idle connections") assert.ok(during > 1_000);
        }
        assert.ok(residentMb(service.pid) < before.resident + GROWTH_MAX_MB);
        await eventually(() =>
          assert.ok(
            openDescriptors(service.pid) <
              before.descriptors + DESCRIPTORS_LEFT_MAX,
          )
        );
      });
    }
    // Nothing but what the normal clients did was done.
    assert.equal((await service.statusJson()).users, 4);
    assert.equal((await service.end("SIGTERM")).code, 0);
  },
});
