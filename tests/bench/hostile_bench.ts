/**
 * Measures what attacks and overload do to normal clients: each attack beside
 * calm, in alternation, with fresh processes.
 *
 * Options: `--quick` for short runs, `--rounds N`.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { basicAuth } from "../../src/http/basic_auth.ts";
import { Attack } from "../hostile/attack.ts";
import { ATTACKS } from "../hostile/attacks.ts";
import {
  normalClients,
  quantile,
  type Waits,
} from "../hostile/normal_clients.ts";
import { overload } from "../hostile/overload.ts";
import { residentMb } from "../support/process_usage.ts";
import { ServiceProcess } from "../support/service_process.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

const HEAD_START_MS = 1_000;
const REST_MS = 2_000;
const AUTHORIZATIONS = 100_000;

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    rounds: { type: "string", default: "3" },
  },
});
const rounds = values.quick ? 1 : Number(values.rounds);
const measured_ms = values.quick ? 2_000 : 5_000;
const overload_ms = values.quick ? 10_000 : 60_000;

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Several rounds' waits as one. */
function together(all: readonly Waits[]): Waits {
  return {
    times_ms: all.flatMap(({ times_ms }) => times_ms).sort((a, b) => a - b),
    failures: all.flatMap(({ failures }) => failures),
  };
}

/** One attack's row of the table. */
async function attackRow(name: string): Promise<string> {
  using folder = new TemporaryFolder();
  await using service = await ServiceProcess.start({ dataDir: folder.path });
  await normalClients(service, HEAD_START_MS);
  const before = residentMb(service.pid);
  const calm: Waits[] = [];
  const attacked: Waits[] = [];
  let during = 0;
  for (let round = 0; round < rounds; round++) {
    calm.push(await normalClients(service, measured_ms));
    using _attack = new Attack(name, service);
    await sleep(HEAD_START_MS);
    attacked.push(await normalClients(service, measured_ms));
    during = Math.max(during, residentMb(service.pid));
  }
  await sleep(REST_MS);
  const [without, beside] = [together(calm), together(attacked)];
  const cell = (waits: Waits, part: number) => quantile(waits, part).toFixed(1);
  return `| ${name} | ${ATTACKS[name].connections} | ${cell(without, 0.5)} | ${
    cell(beside, 0.5)
  } | ${cell(without, 0.99)} | ${
    cell(beside, 0.99)
  } | ${beside.failures.length} | ${before.toFixed(0)} | ${
    during.toFixed(0)
  } | ${residentMb(service.pid).toFixed(0)} |`;
}

/** How long one refusal takes, in µs, by what is wrong. */
function refusalCosts(): string[] {
  const handler = basicAuth(
    { user: "admin", passwords: ["a long password"] },
    () => new Response(),
  );
  const encode = (userinfo: string) => `Basic ${btoa(userinfo)}`;
  const wrong = {
    "another user, the right password": encode("nimda:a long password"),
    "the right user, another password": encode("admin:a gnol password"),
    "the right user, all but the last letter": encode("admin:a long passwore"),
    "nothing right": encode("nimda:a gnol drowssap"),
    "no base64 at all": "Basic " + "!".repeat(28),
  };
  const best = new Map<string, number>();
  for (let round = 0; round < 5; round++) {
    for (const [name, authorization] of Object.entries(wrong)) {
      const request = new Request("http://x/", { headers: { authorization } });
      const started = performance.now();
      for (let i = 0; i < AUTHORIZATIONS; i++) {
        try {
          handler(request, "");
        } catch {
          // It is refused, as it must be.
        }
      }
      const each = 1000 * (performance.now() - started) / AUTHORIZATIONS;
      best.set(name, Math.min(each, best.get(name) ?? Infinity));
    }
  }
  return [...best].map(([name, us]) => `| ${name} | ${us.toFixed(2)} |`);
}

console.log("| wrong credentials | µs for a 401 |\n| --- | ---: |");
for (const row of refusalCosts()) console.log(row);

console.log(
  "\n| attack | connections | p50, ms: calm | attacked | p99, ms: calm | attacked | failed | MB before | during | after |",
);
console.log(`| --- |${" ---: |".repeat(9)}`);
for (const name of Object.keys(ATTACKS)) console.log(await attackRow(name));

const { before, during, after, resident_mb } = await overload(
  measured_ms,
  overload_ms,
);
const refusals = during.refusals_ms;
const refusal = (part: number) =>
  refusals[Math.floor(part * (refusals.length - 1))].toFixed(1);
console.log(
  `\nOverload, ${overload_ms / 1000} s of twice what commits: ${
    before.toFixed(0)
  } sets/s before, ${during.acknowledged_per_s.toFixed(0)} during, ${
    after.toFixed(0)
  } after; ${during.sent} sent, answers ${
    JSON.stringify(during.statuses)
  }; 503 within ${refusal(0.5)} ms (median), ${refusal(0.99)} ms (p99); ${
    resident_mb.before.toFixed(0)
  } MB before, ${resident_mb.most.toFixed(0)} at most, ${
    resident_mb.after.toFixed(0)
  } after.`,
);
