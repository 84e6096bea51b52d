import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { Buffer } from "node:buffer";
import { TestBrowser } from "../support/browser.ts";
import { PASSWORD, USER } from "../support/credentials.ts";
import { LOCAL_TIMEOUT_MS } from "../support/local_log.ts";
import { audit } from "../support/page_audit.ts";
import { look } from "../support/page_look.ts";
import { ServedService } from "../support/served_service.ts";

const HOSTILE = '<img src=x onerror=alert(1)> & "ÿ"';
const HEADER = "user_id,postpaid_limit,spp,shipping_fee,return_fee\n";

/** What a person answers when the browser asks for the password. */
const LOGGED_IN = { httpCredentials: { username: USER, password: PASSWORD } };

const browser = TestBrowser.forAllTests();

function csv(text: string) {
  return {
    name: "users.csv",
    mimeType: "text/csv",
    buffer: Buffer.from(HEADER + text),
  };
}

Deno.test("the page of the set listener finds users by the beginning of their ids, page by page", async () => {
  await using service = new ServedService();
  const { page, problems } = await browser.open(
    `${service.setUrl}/page`,
    { ...LOGGED_IN, viewport: { width: 360, height: 740 } },
  );
  const find = page.getByRole("button", { name: "Find" });
  await find.click();
  await page.getByText("There is no user yet. Set one below").waitFor();
  await service.set([
    ...Array.from({ length: 25 }, (_, i) => ({ user_id: `u${10 + i}` })),
    { user_id: HOSTILE, spp: Number.MIN_SAFE_INTEGER },
  ]);
  await page.getByLabel("user_id begins with").fill("u");
  await find.click();
  await page.getByText("The first 20 users.").waitFor();
  await page.getByRole("button", { name: "More" }).click();
  await page.getByText("25 users, and no more.").waitFor();
  assert.equal(await page.locator("#find tbody tr").count(), 25);
  await page.getByLabel("user_id begins with").fill("<");
  await page.keyboard.press("Enter");
  await page.getByText("1 user, and no more.").waitFor();
  assert.deepEqual(await audit(page), []);
  assert.equal((await look(page)).width, 360);
  await page.getByRole("link", { name: HOSTILE }).click();
  await page.locator("#live", { hasText: /^Live$/ }).waitFor();
  assert.equal(await page.locator("img").count(), 0);
  assert.deepEqual(problems, []);
});

Deno.test("the page of the set listener imports a file, says how far it is and what is wrong, and asks before it deletes", async () => {
  await using service = new ServedService();
  await service.set({ user_id: "old" });
  const { page } = await browser.open(`${service.setUrl}/page`, LOGGED_IN);
  const outcome = page.locator("#import .outcome");
  const file = page.getByLabel("CSV file or backup");
  const start = page.getByRole("button", { name: "Import", exact: true });
  await file.setInputFiles(csv("a,1,2,3,4\nb,1,2,3,4\n"));
  await start.click();
  await outcome.filter({ hasText: /^Imported: 2 rows, up to sequence \d/ })
    .waitFor();
  assert.equal(await outcome.getAttribute("data-kind"), "good");

  await file.setInputFiles(csv("c,1,2,3,4\nnonsense\n"));
  await start.click();
  await outcome.filter({
    hasText: /^The import ended: .* before line 3: \d row/,
  })
    .waitFor();
  assert.equal(await outcome.getAttribute("data-kind"), "bad");

  await file.setInputFiles(csv("a,1,2,3,4\n"));
  await page.getByLabel("delete users who are not in it").check();
  await start.click();
  await page.getByRole("button", { name: "Keep" }).click();
  assert.ok((await service.statusJson()).users > 1);
  await start.click();
  await page.getByRole("button", { name: "Import and delete" }).click();
  await outcome.filter({
    hasText: /^Imported: 1 row, .* Deleted: \d users? not in the file/,
  })
    .waitFor();
  assert.equal((await service.statusJson()).users, 1);

  // One whose rows do not commit yet, until it is stopped.
  service.log.isSilent = true;
  await page.getByLabel("delete users who are not in it").uncheck();
  await start.click();
  await outcome.filter({ hasText: "All is sent; the last rows" }).waitFor();
  await page.getByRole("progressbar", { name: "Sent" }).waitFor();
  assert.ok(await start.isDisabled());
  assert.deepEqual(await audit(page), []);
  await page.getByRole("button", { name: "Stop" }).click();
  await outcome.filter({ hasText: /^Stopped: the rows that had arrived/ })
    .waitFor();
  assert.ok(await start.isEnabled());
  // The service waits for its rows before it ends.
  service.pass(LOCAL_TIMEOUT_MS);
});

Deno.test("the page of the set listener saves a backup, and says what it holds or why there is none", async () => {
  await using service = new ServedService();
  await service.set([{ user_id: "ann" }, { user_id: "bob" }]);
  const { page } = await browser.open(`${service.setUrl}/page`, LOGGED_IN);
  const link = page.getByRole("link", { name: "All users, as a csv.gz file" });
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    link.click(),
  ]);
  assert.match(download.suggestedFilename(), /^usergrades-.*\.csv\.gz$/);
  const text = gunzipSync(await Deno.readFile(await download.path()))
    .toString();
  assert.match(text, /^ann,0,0,0,0$/m);
  await page.getByText("The browser is saving 2 users, as of sequence 1.")
    .waitFor();
  await page.route("**/backup", (route) => route.fulfill({ status: 503 }));
  await link.click();
  await page.getByText(/^There is no backup: .*503/).waitFor();
});
