import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { TestBrowser } from "../support/browser.ts";
import { PASSWORD, USER } from "../support/credentials.ts";
import { eventually } from "../support/eventually.ts";
import { LOCAL_TIMEOUT_MS } from "../support/local_log.ts";
import { LocalService } from "../support/local_service.ts";
import { look } from "../support/page_look.ts";
import { ServedService } from "../support/served_service.ts";

const HOSTILE = '<img src=x onerror=alert(1)> & "ÿ"';

/** What a person answers when the browser asks for the password. */
const LOGGED_IN = { httpCredentials: { username: USER, password: PASSWORD } };

const browser = TestBrowser.forAllTests();

function field(page: Page, name: string, value: number) {
  return page.locator(`[data-field="${name}"]`, {
    hasText: new RegExp(`^${value}$`),
  });
}

/** The state of the stream. */
function live(page: Page, text: RegExp) {
  return page.locator("#live", { hasText: text });
}

function ofUser(id: string): string {
  return `#user=${encodeURIComponent(id)}`;
}

Deno.test("the page follows a user: made, changed, deleted, made again, and over streams that end or are refused", async () => {
  await using service = new ServedService();
  const { page, problems } = await browser.open(service.url + ofUser(HOSTILE));
  await live(page, /^Live$/).waitFor();
  await page.getByText("No user has this user_id").waitFor();
  await service.set({ user_id: HOSTILE, spp: 7 });
  await field(page, "spp", 7).waitFor();
  await page.getByText("at sequence 1", { exact: true }).waitFor();
  await service.set([{ user_id: "other" }, { user_id: HOSTILE, spp: -8 }]);
  await field(page, "spp", -8).waitFor();
  assert.equal(
    await page.locator('[data-field="user_id"]').textContent(),
    HOSTILE,
  );
  await service.delete({ user_id: HOSTILE });
  await page.getByText("This user was deleted").waitFor();
  assert.ok(await page.locator("#found dl").isHidden());
  await service.set({ user_id: HOSTILE, spp: 9 });
  await field(page, "spp", 9).waitFor();

  // The browser comes back by itself, and nothing is missed meanwhile.
  service.apps.watchers.endAll("draining");
  await live(page, /^Not live since .* ended the stream \(draining\)/)
    .waitFor();
  await service.set({ user_id: HOSTILE, spp: 10 });
  await field(page, "spp", 10).waitFor();
  await live(page, /^Live$/).waitFor();
  assert.deepEqual(problems, []);

  // It gives up when it is refused, and then the page begins again.
  service.failure = (path) =>
    path === "/watch" ? new Response("gone", { status: 410 }) : undefined;
  service.apps.watchers.endAll("gap");
  await live(page, /^Not live since .*\(gap\)/).waitFor();
  await service.set({ user_id: HOSTILE, spp: 11 });
  await field(page, "spp", 11).waitFor();
  assert.equal(await live(page, /^Live$/).count(), 0);
  service.failure = undefined;
  await live(page, /^Live$/).waitFor();
  assert.deepEqual(problems.filter((one) => !/410|\/watch/.test(one)), []);
});

Deno.test("the page begins anew by itself when its sequence is ahead of a log that went back", async () => {
  await using service = new ServedService();
  for (const spp of [1, 2, 3]) await service.set({ user_id: "ann", spp });
  const { page, problems } = await browser.open(service.url + ofUser("ann"));
  await field(page, "spp", 3).waitFor();
  await live(page, /^Live$/).waitFor();
  const successor = new LocalService();
  await successor.set({ user_id: "ann", spp: 1 });
  service.successor = successor;
  service.apps.watchers.endAll("draining");
  await eventually(() => assert.equal(successor.apps.watchers.size, 1));
  successor.pass(LOCAL_TIMEOUT_MS);
  await live(page, /^Not live since .*\(ahead\)/).waitFor();
  await field(page, "spp", 1).waitFor();
  await live(page, /^Live$/).waitFor();
  await successor.set({ user_id: "ann", spp: 2 });
  await field(page, "spp", 2).waitFor();
  await page.getByText("at sequence 2", { exact: true }).waitFor();
  assert.deepEqual(problems, []);
});

Deno.test("the page says why an id can be no user's, and shows nothing of the user before", async () => {
  await using service = new ServedService();
  await service.set({ user_id: "ann", spp: 7 });
  const { page } = await browser.open(service.url + ofUser("ann"));
  await field(page, "spp", 7).waitFor();
  await page.evaluate('location.hash = "user=a%00"');
  await live(page, /^user_id must not hold control characters/).waitFor();
  assert.ok(await page.locator("#found dl").isHidden());
});

Deno.test("the page of the set listener sets fields, says what is wrong with each, and deletes when asked twice", async () => {
  await using service = new ServedService();
  await service.set({ user_id: HOSTILE, postpaid_limit: 1, spp: 2 });
  const { page, problems } = await browser.open(
    service.url + ofUser(HOSTILE),
    LOGGED_IN,
  );
  await page.getByRole("link", { name: "Set or delete this user" }).click();
  await live(page, /^Live$/).waitFor();
  assert.equal(page.url(), `${service.setUrl}/page${ofUser(HOSTILE)}`);
  await field(page, "spp", 2).waitFor();
  assert.deepEqual(problems.filter((one) => !/\/watch/.test(one)), []);

  await page.getByLabel("spp").fill("9");
  await page.getByLabel("shipping_fee").fill("1.5");
  await page.getByLabel("return_fee").fill("many");
  await page.keyboard.press("Enter");
  for (const name of ["shipping_fee", "return_fee"]) {
    await page.locator(`#${name}-problem`, { hasText: /^must be an integer/ })
      .waitFor();
    const input = page.getByLabel(name);
    assert.equal(await input.getAttribute("aria-invalid"), "true");
  }
  assert.equal(
    await page.evaluate("document.activeElement.id"),
    "shipping_fee",
  );
  await page.getByText(/^Nothing changed: Cannot read/).waitFor();
  assert.equal((await service.statusJson()).log.applied_sequence, 1);

  await page.getByLabel("shipping_fee").fill("-9007199254740991");
  await page.getByLabel("return_fee").fill("");
  await page.getByRole("button", { name: "Set" }).click();
  await page.getByText(/ was set at sequence 2\.$/).waitFor();
  await field(page, "spp", 9).waitFor();
  await field(page, "postpaid_limit", 1).waitFor();
  await field(page, "shipping_fee", Number.MIN_SAFE_INTEGER).waitFor();
  assert.equal(await page.getByLabel("spp").inputValue(), "");
  assert.equal(await page.locator("[aria-invalid]").count(), 0);

  await page.getByRole("button", { name: "Delete …" }).click();
  await page.getByRole("button", { name: "Keep" }).click();
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  await page.getByRole("button", { name: "Delete …" }).click();
  await page.getByText(`Delete ${HOSTILE}?`).waitFor();
  await page.keyboard.press("Escape");
  assert.equal((await service.statusJson()).users, 1);
  await page.getByRole("button", { name: "Delete …" }).click();
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByText(/ was deleted at sequence 3\.$/).waitFor();
  await page.getByText("This user was deleted").waitFor();
  assert.equal((await service.statusJson()).users, 0);
  assert.equal(await page.locator("img").count(), 0);
});

Deno.test("no page of another origin can use the password that the browser keeps for the page", async () => {
  await using service = new ServedService();
  await using other = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response("a page", { headers: { "content-type": "text/html" } }),
  );
  const { page } = await browser.open(`${service.setUrl}/page`, LOGGED_IN);
  await page.getByText("set and delete users").waitFor();
  await page.goto(`http://127.0.0.1:${other.addr.port}`);
  for (const path of ["set", "delete"]) {
    for (const mode of ["no-cors", "cors"]) {
      await page.evaluate(
        `fetch("${service.setUrl}/${path}", {
          method: "POST", mode: "${mode}", credentials: "include",
          body: '{"user_id":"a"}',
        }).catch(() => {})`,
      );
    }
    const answers = service.apps.requests.set.route(`/${path}`).entries();
    assert.deepEqual(answers, [[403, 2]]);
  }
  assert.equal((await service.statusJson()).log.applied_sequence, 0);
});

Deno.test("without the password there is no page, and nothing of it is shown", async () => {
  await using service = new ServedService();
  const { page } = await browser.open(`${service.setUrl}/page`, {
    httpCredentials: { username: USER, password: "wrong" },
  });
  assert.equal(await page.locator("form").count(), 0);
});

Deno.test("the page of the set listener is light or dark as the system is, and fits a phone", async () => {
  await using service = new ServedService();
  const long = "x".repeat(256);
  for (const colorScheme of ["light", "dark"] as const) {
    for (const width of [360, 1280]) {
      const { page, problems } = await browser.open(
        `${service.setUrl}/page${ofUser(long)}`,
        { ...LOGGED_IN, colorScheme, viewport: { width, height: 740 } },
      );
      await live(page, /^Live$/).waitFor();
      await page.getByRole("button", { name: "Delete …" }).click();
      const shown = await look(page);
      assert.equal(shown.width, width);
      assert.equal(shown.ground > shown.text, colorScheme === "light");
      assert.deepEqual(problems, []);
      await browser.leavePages();
    }
  }
});
