/**
 * A real browser, for tests: the system's Chromium, driven by Playwright.
 *
 * @module
 */
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { findProgram } from "./programs.ts";

// While it is loaded, Playwright asks a file for which Deno wants all
// permissions whether this is the Windows Subsystem for Linux; with this
// variable it does not ask.
Deno.env.set("__IS_WSL_TEST__", "1");
const { chromium } = await import("playwright-core");

/** A page, and all that went wrong in it. */
export interface WatchedPage {
  readonly page: Page;
  /** Console errors, exceptions, failed requests, dialogs. */
  readonly problems: string[];
}

/** How a page is looked at, and who is logged in. */
export type PageOptions = Pick<
  BrowserContextOptions,
  "viewport" | "colorScheme" | "reducedMotion" | "httpCredentials"
>;

/** As Playwright has it where nothing else is wanted. */
const VIEWPORT = { width: 1280, height: 720 };

/** A page of a context, which holds who is logged in. */
interface OwnedPage {
  readonly page: Page;
  readonly login: string;
}

/** A browser that ends with its test, or with all tests of a file. */
export class TestBrowser implements AsyncDisposable {
  #browser: Browser | undefined;
  readonly #inUse = new Set<OwnedPage>();
  // A new page costs over two seconds of CPU, most of it for three processes.
  readonly #blank = new Set<OwnedPage>();

  private constructor() {}

  /** Starts the system's Chromium. */
  static async start(): Promise<TestBrowser> {
    const browser = new TestBrowser();
    await browser.#start();
    return browser;
  }

  /**
   * Has the system's Chromium started before the first test of the calling
   * file, its pages left after each test, and itself ended after the last.
   *
   * @returns The browser, which opens pages within tests only.
   */
  static forAllTests(): TestBrowser {
    const browser = new TestBrowser();
    Deno.test.beforeAll(() => browser.#start());
    Deno.test.afterEach(() => browser.leavePages());
    Deno.test.afterAll(() => browser[Symbol.asyncDispose]());
    return browser;
  }

  async #start(): Promise<void> {
    this.#browser = await chromium.launch({
      executablePath: findChromium(),
      // Its sandbox does not work for root, as in a container.
      args: Deno.uid() === 0 ? ["--no-sandbox"] : [],
    });
  }

  /**
   * Opens an address, in a page that was left or in a new one. Pages with
   * different logins have different contexts.
   */
  async open(url: string, options: PageOptions = {}): Promise<WatchedPage> {
    const owned = await this.#take(options.httpCredentials);
    this.#inUse.add(owned);
    const { page } = owned;
    await page.setViewportSize(options.viewport ?? VIEWPORT);
    await page.emulateMedia({
      colorScheme: options.colorScheme ?? "light",
      reducedMotion: options.reducedMotion ?? "no-preference",
    });
    const problems = watch(page);
    await page.goto(url);
    return { page, problems };
  }

  async #take(
    httpCredentials: PageOptions["httpCredentials"],
  ): Promise<OwnedPage> {
    const login = JSON.stringify(httpCredentials ?? null);
    for (const owned of this.#blank) {
      if (owned.login !== login) continue;
      this.#blank.delete(owned);
      return owned;
    }
    if (this.#browser === undefined) throw new Error("No test runs yet");
    const page = await this.#browser.newPage(
      httpCredentials && { httpCredentials },
    );
    return { page, login };
  }

  /** Leaves all that was opened, as one who goes elsewhere. */
  async leavePages(): Promise<void> {
    for (const owned of this.#inUse) {
      this.#inUse.delete(owned);
      const { page } = owned;
      page.removeAllListeners();
      await page.unrouteAll();
      await page.goto("about:blank");
      this.#blank.add(owned);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser?.close();
  }
}

/** @returns What goes wrong in a page from now on. */
function watch(page: Page): string[] {
  const problems: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") {
      problems.push(message.text());
    }
  });
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("requestfailed", (request) => {
    // A stream that its page has left.
    const isLeft = request.resourceType() === "eventsource" &&
      request.failure()?.errorText === "net::ERR_ABORTED";
    if (!isLeft) problems.push(request.url());
  });
  page.on("dialog", (dialog) => {
    problems.push(`dialog ${dialog.message()}`);
    dialog.dismiss();
  });
  return problems;
}

/** @returns The path of the system's Chromium. */
function findChromium(): string {
  const command = findProgram("chromium");
  if (command === undefined) throw new Error("Chromium is not here");
  if (command.includes("/")) return command;
  // Playwright wants to know the very file.
  const folders = Deno.env.get("PATH")?.split(":") ?? [];
  return folders.map((folder) => `${folder}/${command}`).find(isFile)!;
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
