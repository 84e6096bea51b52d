import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { Page } from "playwright-core";
import type { App } from "../../src/http/server/router.ts";
import { TestBrowser } from "../support/browser.ts";
import { AUTHORIZATION, PASSWORD, USER } from "../support/credentials.ts";
import { Keyboard } from "../support/keyboard.ts";
import { audit } from "../support/page_audit.ts";
import { look } from "../support/page_look.ts";
import { ServedService } from "../support/served_service.ts";

/** Where a proxy may serve a listener besides its root. */
const PREFIX = "/grades/eu";

const browser = TestBrowser.forAllTests();

/** Serves apps under paths and nothing else, as a proxy may. */
function serveUnder(
  apps: Readonly<Record<string, App>>,
): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => {
      const url = new URL(request.url);
      const prefix = Object.keys(apps).find((one) =>
        url.pathname.startsWith(`${one}/`)
      );
      if (prefix === undefined) return new Response(null, { status: 404 });
      url.pathname = url.pathname.slice(prefix.length);
      const { method, headers, body } = request;
      return apps[prefix](new Request(url, { method, headers, body }));
    },
  );
}

/** Both listeners below the paths of one host, as OPERATIONS.md has it. */
function serveBoth({ apps }: ServedService): Deno.HttpServer<Deno.NetAddr> {
  return serveUnder({
    [`${PREFIX}/set`]: apps.set,
    [`${PREFIX}/get`]: (request) =>
      new URL(request.url).pathname === "/page"
        ? Response.redirect(new URL(`${PREFIX}/set/page`, request.url), 307)
        : apps.get(request),
  });
}

/** A URL that holds the user and the password. */
function withCredentials(url: string): string {
  const made = new URL(url);
  made.username = USER;
  made.password = encodeURIComponent(PASSWORD);
  return made.href;
}

/** As a browser that can't limit how long a request takes. */
async function losesTimeouts(page: Page): Promise<void> {
  await page.evaluate("delete AbortSignal.timeout");
}

/**
 * Ends the streams of a service's pages when it is disposed of, also by a test
 * that fails: a proxy that ends waits for them.
 */
function leaving(service: ServedService): AsyncDisposable {
  return {
    [Symbol.asyncDispose]: async () => {
      service.apps.watchers.endAll("draining");
      await browser.leavePages();
    },
  };
}

function field(page: Page, name: string, value: number) {
  return page.locator(`[data-field="${name}"]`, {
    hasText: new RegExp(`^${value}$`),
  });
}

for (const prefix of ["", PREFIX]) {
  const where = prefix === "" ? "" : " under a proxy's path";

  Deno.test(`the live page works with a user and a password in its address${where}`, async () => {
    await using service = new ServedService();
    await using proxy = serveUnder({ [PREFIX]: service.apps.get });
    await using _pages = leaving(service);
    await service.set({ user_id: "pad", spp: 7 });
    const base = prefix === ""
      ? service.url
      : `http://127.0.0.1:${proxy.addr.port}${prefix}`;
    const { page, problems } = await browser.open(
      withCredentials(`${base}/?from=a/b#user=pad`),
    );
    assert.match(
      await page.evaluate("document.baseURI"),
      /^http:\/\/tester:/,
      "the browser keeps them in the page's address",
    );
    await page.locator('tr[data-replica="me"]').waitFor();
    await field(page, "spp", 7).waitFor();
    await service.set({ user_id: "pad", spp: 8 });
    await field(page, "spp", 8).waitFor();
    await page.locator("#live", { hasText: /^Live$/ }).waitFor();
    await page.getByText("Gets and sets work.", { exact: true }).waitFor();
    assert.deepEqual(problems, []);
  });

  Deno.test(`the page that sets and deletes works with a user and a password in its address${where}`, async () => {
    await using service = new ServedService();
    await using proxy = serveUnder({ [PREFIX]: service.apps.set });
    await using _pages = leaving(service);
    const base = prefix === ""
      ? service.setUrl
      : `http://127.0.0.1:${proxy.addr.port}${prefix}`;
    const { page, problems } = await browser.open(
      withCredentials(`${base}/page#user=pad`),
    );
    await page.getByText("No user has this user_id").waitFor();
    await page.getByLabel("spp").fill("9");
    await page.getByRole("button", { name: "Set" }).click();
    await page.getByText("pad was set at sequence 1.").waitFor();
    await field(page, "spp", 9).waitFor();
    await page.getByRole("button", { name: "Delete …" }).click();
    await page.getByRole("button", { name: "Delete", exact: true }).click();
    await page.getByText("pad was deleted at sequence 2.").waitFor();
    await page.getByText("This user was deleted").waitFor();
    assert.deepEqual(problems, []);
  });
}

Deno.test("below the paths of one host, and by keyboard alone, users are found, set, deleted, imported and backed up", async () => {
  await using service = new ServedService();
  await using proxy = serveBoth(service);
  await using _pages = leaving(service);
  await service.set(
    Array.from({ length: 22 }, (_, i) => ({ user_id: `u${10 + i}` })),
  );
  const base = `http://127.0.0.1:${proxy.addr.port}${PREFIX}`;
  const { page, problems } = await browser.open(`${base}/get/`, {
    httpCredentials: { username: USER, password: PASSWORD },
  });
  // Now: the browser knows only after a while that someone waits for it.
  page.once("filechooser", (chooser) =>
    chooser.setFiles({
      name: "users.csv",
      mimeType: "text/csv",
      buffer: Buffer.from("user_id,spp\nann,7\n"),
    }));
  const keys = new Keyboard(page);
  await keys.tabTo('a[href="page"]');
  await keys.press("Enter");
  await page.waitForURL(`${base}/set/page`);

  await keys.tabTo("#prefix");
  await keys.type("u");
  await keys.press("Enter");
  await page.getByText("The first 20 users.").waitFor();
  // Over the users: to the part behind them, and back.
  await keys.tabTo('a[href="#look-up"]', "Shift+Tab");
  await keys.press("Enter");
  await keys.tabTo("#more", "Shift+Tab");
  await keys.press("Enter");
  await page.getByText("22 users, and no more.").waitFor();
  await keys.untilAt("#find tbody tr:nth-child(21) a");
  await keys.press("Enter");
  await page.locator("#live", { hasText: /^Live$/ }).waitFor();
  await keys.untilAt("#edit");

  await keys.tabTo("#spp");
  await keys.type("9");
  await keys.press("Enter");
  await page.getByText("u30 was set at sequence 2.").waitFor();
  await keys.tabTo("#delete");
  await keys.press("Enter");
  await keys.untilAt("#keep");
  await keys.press("Escape");
  await keys.untilAt("#delete");
  await keys.press("Enter");
  await keys.tabTo("#do-delete");
  await keys.press("Enter");
  await page.getByText("u30 was deleted at sequence 3.").waitFor();
  await keys.untilAt("#delete");

  await keys.tabTo("#file");
  await keys.press("Enter");
  await page.locator("#file:valid").waitFor();
  await keys.tabTo("#import [type=submit]");
  await keys.press("Enter");
  await page.getByText("Imported: 1 row, up to sequence 4.").waitFor();
  await keys.untilAt("#import [type=submit]");

  await keys.tabTo("#backup a");
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    keys.press("Enter"),
  ]);
  assert.match(download.suggestedFilename(), /-4\.csv\.gz$/);
  await page.getByText("The browser is saving 22 users, as of").waitFor();
  // The page does not get what the browser saves.
  assert.deepEqual(problems.filter((one) => !/\/backup$/.test(one)), []);
});

Deno.test("the page that sets and deletes tells a request that was never sent from a lost answer", async () => {
  await using service = new ServedService();
  const { page } = await browser.open(
    withCredentials(`${service.setUrl}/page#user=pad`),
  );
  await page.locator("#live", { hasText: /^Live$/ }).waitFor();
  await page.route("**/set", async (route) => {
    const answer = await route.fetch({
      headers: { ...route.request().headers(), authorization: AUTHORIZATION },
    });
    assert.equal(answer.status(), 200);
    await route.abort();
  });
  await page.getByRole("button", { name: "Set" }).click();
  await page.getByText("No answer came: it may have changed or not.")
    .waitFor();
  assert.equal((await service.statusJson()).log.applied_sequence, 1);

  await page.unroute("**/set");
  await losesTimeouts(page);
  await page.getByRole("button", { name: "Set" }).click();
  await page.getByText(
    /^Nothing changed: This browser cannot send the request: .*timeout/,
  ).waitFor();
  assert.equal((await service.statusJson()).log.applied_sequence, 1);
});

Deno.test("the live page says that it can't ask, not that the replica is silent, where the browser sends nothing", async () => {
  await using service = new ServedService();
  const { page } = await browser.open(service.url);
  await page.locator('tr[data-replica="me"]').waitFor();
  await losesTimeouts(page);
  const text = /^This browser cannot send the request: .*timeout/;
  await page.locator("#verdict p", { hasText: text }).waitFor();
  await page.evaluate('location.hash = "user=pad"');
  await page.locator("#live", { hasText: text }).waitFor();
});

Deno.test("the page of requests and answers shows all, and tries what its listener serves", async () => {
  await using service = new ServedService();
  const { page, problems } = await browser.open(`${service.setUrl}/docs/`, {
    httpCredentials: { username: USER, password: PASSWORD },
  });
  const open = async (name: string) => {
    await page.click(`#operations-${name} .opblock-summary-control`);
    await page.waitForSelector(`#operations-${name} .responses-wrapper`);
    return page.locator(`#operations-${name} .try-out__btn`);
  };
  assert.equal(await (await open("replica-getStatus")).count(), 0);
  await (await open("changes-setUsers")).click();
  await page.click("#operations-changes-setUsers .execute");
  await page.waitForSelector(".live-responses-table :text-is('200')");
  assert.equal((await service.statusJson()).users, 1);
  assert.equal(await page.locator(".authorize").count(), 1);
  await page.waitForSelector("html:not(.dark-mode)");
  assert.deepEqual(await audit(page), []);
  await page.emulateMedia({ colorScheme: "dark" });
  await page.waitForSelector("html.dark-mode");
  assert.deepEqual(await audit(page, "colours"), []);
  await page.setViewportSize({ width: 360, height: 740 });
  assert.equal((await look(page)).width, 360);
  // No outside address, and nothing that the policy forbids.
  assert.deepEqual(problems, []);
});

Deno.test("the page of requests and answers works by keyboard, and asks for no password where nothing takes one", async () => {
  await using service = new ServedService();
  const { page, problems } = await browser.open(`${service.url}/docs`);
  const get = page.locator("#operations-users-getUser");
  await get.locator(".opblock-summary-control").focus();
  await page.keyboard.press("Enter");
  await get.locator(".try-out__btn").waitFor();
  assert.equal(
    await page.locator(".authorize, .authorization__btn").count(),
    0,
  );
  await get.locator(".try-out__btn").focus();
  await page.keyboard.press("Enter");
  await get.getByPlaceholder("user_id").focus();
  await page.keyboard.type("ann");
  await get.locator(".execute").focus();
  await page.keyboard.press("Enter");
  await get.locator(".live-responses-table td:text-is('404')").waitFor();
  assert.deepEqual(problems.filter((one) => !/404/.test(one)), []);
});
