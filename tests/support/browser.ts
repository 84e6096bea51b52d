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

/** A browser that ends with its test, or with all tests of a file. */
export class TestBrowser implements AsyncDisposable {
  #browser: Browser | undefined;

  private constructor() {}

  /** Starts the system's Chromium. */
  static async start(): Promise<TestBrowser> {
    const browser = new TestBrowser();
    await browser.#start();
    return browser;
  }

  /**
   * Has the system's Chromium started before the first test of the calling
   * file, its pages closed after each test, and itself after the last.
   *
   * @returns The browser, which opens pages within tests only.
   */
  static forAllTests(): TestBrowser {
    const browser = new TestBrowser();
    Deno.test.beforeAll(() => browser.#start());
    Deno.test.afterEach(() => browser.closePages());
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

  get #started(): Browser {
    if (this.#browser === undefined) throw new Error("No test runs yet");
    return this.#browser;
  }

  /** Opens an address in a context of its own. */
  async open(
    url: string,
    options: BrowserContextOptions = {},
  ): Promise<WatchedPage> {
    const page = await this.#started.newPage(options);
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
    await page.goto(url);
    return { page, problems };
  }

  /** Closes all that was opened. */
  async closePages(): Promise<void> {
    await Promise.all(
      this.#started.contexts().map((context) => context.close()),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#started.close();
  }
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
