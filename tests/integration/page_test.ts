import assert from "node:assert/strict";
import { connect } from "nats";
import type { Page } from "playwright-core";
import { heartbeat } from "../cluster/heartbeats.ts";
import { TestBrowser } from "../support/browser.ts";
import { Cluster } from "../support/cluster.ts";
import { look } from "../support/page_look.ts";
import { ServedService } from "../support/served_service.ts";
import { ServiceProcess } from "../support/service_process.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

const HOSTILE = '<img src=x onerror=alert(1)> & "ÿ"';

const browser = TestBrowser.forAllTests();

/** The text of a cell of a replica's row. */
function cell(page: Page, replica: string, name: string) {
  return page.locator(`tr[data-replica="${replica}"] [data-name="${name}"]`);
}

/** Waits until a cell has a text. */
async function until(
  page: Page,
  replica: string,
  name: string,
  text: RegExp,
): Promise<void> {
  await cell(page, replica, name).filter({ hasText: text }).waitFor();
}

function verdictKind(page: Page): Promise<string | null> {
  return page.locator("#verdict").getAttribute("data-kind");
}

async function set(
  replica: ServiceProcess | ServedService,
  body: unknown,
): Promise<void> {
  const response = await replica.set(body);
  assert.equal(response.status, 200, await response.text());
}

Deno.test("the page shows three equal replicas, follows a killed one and its restart, looks users up, and says that there are two logs and that the broker is away", async () => {
  await using cluster = await Cluster.start(3);
  const [r0, , r2] = cluster.replicas;
  await set(r0, { user_id: HOSTILE, postpaid_limit: -5, spp: 7 });
  const { page, problems } = await browser.open(r0.url("get"));
  const { digest } = await r0.statusJson();
  for (const id of ["r0", "r1", "r2"]) {
    await until(page, id, "State", /^ready/);
    await until(page, id, "Equality", /^equal/);
    await until(page, id, "Digest", new RegExp(`^${digest}$`));
    await until(page, id, "Users", /^1$/);
    await until(page, id, "Sequence", /^1$/);
    await until(page, id, "Lag", /^0$/);
  }
  await page.getByText(/^All 3 replicas .* equal records, compared at seq/)
    .waitFor();
  await page.getByText("Gets and sets work.", { exact: true }).waitFor();
  assert.equal(await page.title(), "r0: ready – UserGrade");
  assert.equal(await page.locator("#replicas tbody tr").count(), 3);
  assert.equal(await page.locator("figure canvas").count(), 6);

  await r2.end("SIGKILL");
  await until(page, "r2", "State", /^gone/);
  await page.locator("#changes", { hasText: "r2 is gone" }).waitFor({
    state: "attached",
  });
  await page.getByText("r2 is gone.", { exact: true }).waitFor();
  await page.getByText(/^r0 and r1 have equal records, compared at seq/)
    .waitFor();
  assert.equal(await verdictKind(page), "busy");
  await cluster.startReplica(2);
  await until(page, "r2", "State", /^ready/);
  await until(page, "r2", "Equality", /^equal/);

  await page.getByLabel("user_id").fill(HOSTILE);
  await page.getByRole("button", { name: "Follow" }).click();
  await page.locator('[data-field="postpaid_limit"]', { hasText: "-5" })
    .waitFor();
  const field = page.locator('[data-field="user_id"]');
  assert.equal(await field.textContent(), HOSTILE);
  assert.equal(await page.locator("#found img").count(), 0);
  await page.getByLabel("user_id").fill("nobody");
  await page.keyboard.press("Enter");
  await page.getByText("No user has this user_id").waitFor();
  assert.ok(page.url().endsWith("#user=nobody"));

  const client = await connect({ servers: cluster.broker.url });
  client.publish(
    "usergrade-replicas.x",
    JSON.stringify(heartbeat("x", { log_id: "of-another" })),
  );
  await client.drain();
  await page.getByText(/two logs: replica x follows log of-another, and this/)
    .waitFor();

  // It hangs; a connection that carries nothing is given up after three pings.
  await cluster.broker.pause();
  await page.getByText(/^Gets work, and sets are refused: .*NATS/).waitFor();
  await r0.line((line) =>
    /NATS does not answer: it has missed two pings/.test(line.message)
  );
  await page.getByText(/r1.* can't be heard from here now/).waitFor();
  for (const id of ["r1", "r2"]) await until(page, id, "State", /^unknown/);
  assert.equal(await page.title(), "r0: sets refused – UserGrade");
  assert.deepEqual(problems, []);
});

Deno.test("the page works by keyboard alone, and a user can be in its address", async () => {
  await using service = new ServedService();
  await set(service, { user_id: HOSTILE, spp: 7 });
  await set(service, { user_id: "ann", spp: 8 });
  const { page, problems } = await browser.open(
    `${service.url}/#user=${encodeURIComponent(HOSTILE)}`,
  );
  const spp = page.locator('[data-field="spp"]');
  await spp.filter({ hasText: "7" }).waitFor();
  await page.keyboard.press("Tab");
  const focused = () =>
    page.evaluate(() => {
      // deno-lint-ignore no-explicit-any -- the browser's global, not Deno's
      const { document, getComputedStyle } = globalThis as any;
      const element = document.activeElement;
      return {
        text: element.textContent.trim(),
        outline: getComputedStyle(element).outlineStyle,
      };
    });
  assert.deepEqual(await focused(), {
    text: "Skip to the users",
    outline: "solid",
  });
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Control+A");
  await page.keyboard.type("ann");
  await page.keyboard.press("Tab");
  assert.deepEqual(await focused(), { text: "Follow", outline: "solid" });
  await page.keyboard.press("Enter");
  await spp.filter({ hasText: "8" }).waitFor();
  // Past the link to the look-up.
  await page.goBack();
  await page.goBack();
  await spp.filter({ hasText: "7" }).waitFor();
  await page.getByText(/^This replica is standalone/).waitFor();
  assert.ok(await cell(page, "me", "Equality").isHidden());
  assert.deepEqual(problems, []);
});

Deno.test("the page is light or dark as the system is, and fits a phone", async () => {
  await using service = new ServedService();
  const long = "x".repeat(256);
  await set(service, { user_id: long, spp: Number.MIN_SAFE_INTEGER });
  const url = `${service.url}/#user=${long}`;
  for (const colorScheme of ["light", "dark"] as const) {
    for (
      const viewport of [{ width: 360, height: 740 }, {
        width: 1280,
        height: 900,
      }]
    ) {
      const { page, problems } = await browser.open(url, {
        colorScheme,
        viewport,
      });
      await page.locator("tr[data-replica]").waitFor();
      await page.locator('[data-field="spp"]').waitFor();
      const { text, ground, width } = await look(page);
      assert.equal(width, viewport.width);
      assert.equal(ground > text, colorScheme === "light");
      assert.deepEqual(problems, []);
      await browser.leavePages();
    }
  }
});

Deno.test("the page says in words how large the log is, how old its snapshot is, and why none is made", async () => {
  await using service = new ServedService();
  const { log, places } = service.snapshots;
  const { page, problems } = await browser.open(service.url, {
    viewport: { width: 360, height: 740 },
  });
  const line = page.locator("#log");
  await page.getByText(
    "The log holds 0 bytes. There is no snapshot of it yet.",
    { exact: true },
  ).waitFor();
  for (const user_id of ["a", "b", "c"]) await service.set({ user_id });
  log.bytes = 64.25 * 1024 ** 2;
  const time = new Date(Date.now() - 3.5 * 60_000).toISOString();
  const newest = { sequence: 1, time, bytes: 11 * 1024 };
  places.log.newest = newest;
  await page.getByText(
    "The log holds 64.3 MiB. The newest snapshot (11 KiB) is 3 minutes old, 2 entries behind.",
    { exact: true },
  ).waitFor();
  places.log.newest = { ...newest, sequence: 3 };
  await page.getByText(/ snapshot \(11 KiB\) includes all of it\.$/).waitFor();
  places.log.problem = `the NATS user may not use ${"x".repeat(200)}`;
  await page.getByText(/Problem with snapshots: the NATS user may not use x/)
    .waitFor();
  assert.equal(await line.getAttribute("data-kind"), "bad");
  assert.equal((await look(page)).width, 360);
  places.log.problem = undefined;
  await page.getByText(/ includes all of it\.$/).waitFor();
  assert.equal(await line.getAttribute("data-kind"), "");
  assert.deepEqual(problems, []);
});

Deno.test("the page says since when its replica does not answer", async () => {
  using folder = new TemporaryFolder();
  await using service = await ServiceProcess.start({ dataDir: folder.path });
  const { page } = await browser.open(service.url("get"));
  await page.locator("tr[data-replica]").waitFor();
  await service.end("SIGKILL");
  await page.getByText(/has not answered since \d/).waitFor();
  assert.match(await page.title(), /: no answer – UserGrade$/);
});
